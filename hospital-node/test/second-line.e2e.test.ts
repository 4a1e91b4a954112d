/** The second line on a real chaincode process: a report opens a review, an epoch is folded. */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actorOf } from '@bhschain/chaincode-hooks/events';
import { createServiceEpochs } from '../src/enrolment/service-epochs.js';
import type { FabricConnection } from '../src/fabric/connection.js';
import { createIdentity } from '../src/fabric/identity.js';
import { reportCall } from '../src/second-line/report.js';
import { activateDetectorZero, startTestLedger, type TestLedger } from './ledger-fixture.js';

const MSPS = ['H1MSP', 'H2MSP'];
const SESSION = '00000000000000a1';
let ledger: TestLedger;
let node: FabricConnection;

beforeAll(async () => {
  ledger = await startTestLedger(MSPS);
  await activateDetectorZero(ledger, MSPS);
  node = await ledger.connect(ledger.identity('H1MSP', 'node', { role: 'hospital-node' }));
}, 120_000);
afterAll(async () => {
  await node.close();
  await ledger.close();
});

const asked = async (name: string, ...args: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(Buffer.from(await node.evaluate(name, args)).toString('utf8')) as Record<
    string,
    unknown
  >;

it('a report of a committed call opens a review, once', async () => {
  const nurse = ledger.identity('H1MSP', 'n-1', { role: 'nurse', class: 'person' });
  const open = [SESSION, 'W1', 'treatment', ''];
  const { txId } = await node.submit('RecordAccessContract:openSession', open, { identity: nurse });
  const o = {
    fabric: node,
    mspId: 'H1MSP',
    reason: 'not on duty',
    keepReason: (text: string) => Promise.resolve(createHash('sha256').update(text).digest('hex')),
  };
  expect(await reportCall(txId, o)).toMatchObject({ function: 'RecordAccessContract:openSession' });
  const { mspId } = o;
  expect(await asked('QuarantineContract:get', txId)).toMatchObject({
    mspId,
    cause: 'second-line',
    state: 'open',
  });
  await expect(reportCall(txId, o)).rejects.toMatchObject({ chaincodeCode: 'ERR_REVIEW_STATE' });
}, 60_000);

it('a service account that the hospital enrolled gets its epoch', async () => {
  const { certificatePem, privateKeyPem } = ledger.issue('H1MSP', 's-1', {
    role: 'service',
    class: 'service',
  });
  const identity = createIdentity({ mspId: 'H1MSP', certificatePem, privateKey: privateKeyPem });
  const actor = actorOf('H1MSP', certificatePem);
  const open = [SESSION, '', 'operations', ''];
  await node.submit('RecordAccessContract:openSession', open, { identity });
  const folded: string[] = [];
  const epochs = createServiceEpochs({
    fabric: {
      submit: async (name, args, more) => {
        const outcome = await node.submit(name, args, more);
        folded.push(Buffer.from(outcome.result).toString('utf8'));
        return outcome;
      },
    },
    actors: [actor],
    everyMs: 3_600_000,
    nowMs: () => 0,
    sleep: () => Promise.resolve(),
    log: pino({ level: 'silent' }),
  });
  await epochs.look();
  expect(folded.map((text) => JSON.parse(text) as object)).toEqual([
    { actor, epoch: 0, folded: 0 },
  ]);
  await epochs.look();
  expect(folded).toHaveLength(1);
}, 60_000);
