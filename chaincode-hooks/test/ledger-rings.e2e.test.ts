/**
 * The guard on the development ledger with real chaincode processes: what concurrent clients, late submitters, and readers of
 * the blocks see.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readBlocks } from '../src/embedded-peer/index.js';
import {
  decodeGuardEvent,
  proveAuditItem,
  uncommittedSimulations,
  walkBlock,
  type AuditItem,
  type DecodedTransaction,
  type SimulationPage,
} from '../src/events.js';
import {
  commit,
  evaluate,
  startGuardedLedger,
  type GuardedLedger,
  type Person,
} from './guarded-ledger-fixture.js';
import { hospitalLog, playLog } from './hospital-log.js';
import { searchIn } from './raw-identifiers.js';

const HOSPITALS = ['H1MSP', 'H2MSP', 'H3MSP'];
const READ = 'RecordAccessContract:requestAccess';

let ledger: GuardedLedger;
let ops: Person;
let node: Person;
let people = 0;

beforeAll(async () => {
  ledger = await startGuardedLedger(3);
  ops = ledger.person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  node = ledger.person('H1MSP', 'node', { role: 'hospital-node' });
  const config = { hospitals: HOSPITALS, attestations: 2, replay: true, vocabulary: null };
  await commit(ops, 'FederationContract:configure', [JSON.stringify(config)]);
}, 60_000);
afterAll(() => ledger.close());

const transactions = (): readonly DecodedTransaction[] =>
  [...readBlocks(ledger.blocksDir)].flatMap(({ bytes }) => walkBlock(bytes));

function newPerson(attributes: Readonly<Record<string, string>> = { role: 'nurse' }): Person {
  return ledger.person('H1MSP', `p-${++people}`, attributes);
}

const readArgs = (session: string, n = 1): readonly string[] => [
  session,
  `H1-${n.toString(16).padStart(16, '0')}`,
  'treatment',
  'notes',
  '1',
  '',
];

describe('a burst in one session', () => {
  it('commits one call, whatever the number that was endorsed at once', async () => {
    const nurse = newPerson();
    const session = '00000000000000b1';
    await commit(nurse, 'RecordAccessContract:openSession', [session, '', 'treatment', '']);
    const proposals = Array.from({ length: 12 }, (_, i) =>
      nurse.contract.newProposal(READ, { arguments: [...readArgs(session, i)] }),
    );
    // All endorsed before the first is sent, however slow the machine.
    const endorsed = await Promise.all(proposals.map((proposal) => proposal.endorse()));
    const sent = await Promise.all(endorsed.map((call) => call.submit()));
    await Promise.all(sent.map((call) => call.getStatus()));
    const ids = new Set(endorsed.map((call) => call.getTransactionId()));
    const burst = transactions().filter(({ txId }) => ids.has(txId));
    expect(burst).toHaveLength(12); // the invalid ones too: they are signal
    expect(burst.map(({ code }) => code).sort((a, b) => a - b)).toEqual([
      0,
      ...Array.from({ length: 11 }, () => 11),
    ]);
    expect(burst.findIndex(({ code }) => code === 0)).toBe(0); // the first in order
  });

  it('of people in sessions of their own does not collide', async () => {
    const nurses = Array.from({ length: 8 }, () => newPerson());
    await Promise.all(
      nurses.map((nurse, i) =>
        commit(nurse, 'RecordAccessContract:openSession', [
          `00000000000001${i}0`.padStart(16, '0'),
          '',
          'treatment',
          '',
        ]),
      ),
    );
    const sent = await Promise.all(
      nurses.map((nurse, i) =>
        commit(nurse, READ, readArgs(`00000000000001${i}0`.padStart(16, '0'))),
      ),
    );
    expect(sent.map(({ code }) => code)).toEqual(nurses.map(() => 0));
  });
});

describe('late submitters', () => {
  it('an endorsement of before a suspension does not commit after it', async () => {
    const nurse = newPerson();
    const session = '00000000000000b2';
    await commit(nurse, 'RecordAccessContract:openSession', [session, '', 'treatment', '']);
    const early = await nurse.contract
      .newProposal(READ, { arguments: [...readArgs(session)] })
      .endorse();
    const analyst = newPerson({ role: 'analyst' });
    const officer = newPerson({ role: 'privacy-officer' });
    const proposal = [nurse.actor, 'suspend', 'd'.repeat(64)];
    await commit(analyst, 'QuarantineContract:proposeSuspension', proposal);
    await commit(officer, 'QuarantineContract:approveSuspension', [nurse.actor]);
    expect((await (await early.submit()).getStatus()).code).toBe(11);
    await expect(commit(nurse, READ, readArgs(session))).rejects.toThrow('ERR_ACTOR_SUSPENDED');
  });

  it('a fold that did not see a row does not delete its epoch: phantom', async () => {
    const robot = newPerson({ role: 'service', class: 'service' });
    const session = '00000000000000b3';
    await commit(robot, 'RecordAccessContract:openSession', [session, '', 'operations', '']);
    await commit(node, 'FederationContract:foldEpoch', [robot.actor]);
    await commit(robot, READ, readArgs(session, 1));
    const fold = await node.contract
      .newProposal('FederationContract:foldEpoch', { arguments: [robot.actor] })
      .endorse();
    expect((await commit(robot, READ, readArgs(session, 2))).code).toBe(0);
    expect((await (await fold.submit()).getStatus()).code).toBe(12);
    const again = await commit(node, 'FederationContract:foldEpoch', [robot.actor]);
    expect([again.code, again.reply]).toEqual([0, { actor: robot.actor, epoch: 1, folded: 2 }]);
  });

  it('a service account’s calls at once are all valid, in one block or in several', async () => {
    const robot = newPerson({ role: 'service', class: 'service' });
    const session = '00000000000000b4';
    await commit(robot, 'RecordAccessContract:openSession', [session, '', 'operations', '']);
    await commit(node, 'FederationContract:foldEpoch', [robot.actor]);
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, i) => commit(robot, READ, readArgs(session, i))),
    );
    expect(sent.map(({ code }) => code)).toEqual(sent.map(() => 0));
  });
});

describe('data is released on what is committed', () => {
  it('an endorsement alone leaves no ticket and no event', async () => {
    const nurse = newPerson();
    const session = '00000000000000b5';
    await commit(nurse, 'RecordAccessContract:openSession', [session, '', 'treatment', '']);
    const endorsed = await nurse.contract
      .newProposal(READ, { arguments: [...readArgs(session)] })
      .endorse();
    const late = await commit(nurse, READ, readArgs(session, 2)); // the next thing that happens
    const ids = transactions().map(({ txId }) => txId);
    expect(ids).toContain(late.txId);
    expect(ids).not.toContain(endorsed.getTransactionId());
    // Sent after all, it is invalid, and its event is nobody's: consumers see events of valid transactions only.
    expect((await (await endorsed.submit()).getStatus()).code).toBe(11);
  });

  it('a committed ticket says what to release, to whoever reads the block', async () => {
    const nurse = newPerson();
    const session = '00000000000000b6';
    const args = readArgs(session, 7);
    const { txId } = await commit(nurse, READ, args);
    const transaction = transactions().find((one) => one.txId === txId)!;
    const event = decodeGuardEvent(transaction.event!.payload);
    if (event.kind === 'unknown') throw new Error('unknown version');
    const ticket = JSON.parse(Buffer.from(event.inner!.payload, 'base64').toString()) as object;
    expect(ticket).toMatchObject({ record: args[1], section: 'notes', purpose: 'treatment' });
  });
});

describe('the probing report', () => {
  it('names the call that was endorsed and never sent, and no call that was', async () => {
    const nurse = newPerson();
    const session = '00000000000000b8';
    const sent = await commit(nurse, READ, readArgs(session, 3));
    const probe = await nurse.contract
      .newProposal(READ, { arguments: [...readArgs(session, 4)] })
      .endorse();
    const pages = await Promise.all(
      ledger.metricsUrls.map(async (url) => {
        const answer = await fetch(url.replace('/metrics', '/simulations?after=0'));
        return (await answer.json()) as SimulationPage;
      }),
    );
    const simulations = pages.flatMap(({ items }) => items);
    const committed = new Set(transactions().map(({ txId }) => txId));
    const report = uncommittedSimulations(simulations, {
      nowMs: Math.max(...simulations.map(({ atMs }) => atMs)) + 3_600_000,
      isCommitted: (txId) => committed.has(txId),
    });
    const named = report.map(({ txId }) => txId);
    expect(named).toContain(probe.getTransactionId());
    expect(named).not.toContain(sent.txId);
  });
});

describe('an audit answer', () => {
  it('is proved from the block, and a forged one is not', async () => {
    const nurse = newPerson();
    const session = '00000000000000b7';
    const { txId } = await commit(nurse, READ, readArgs(session, 9));
    const auditor = ledger.person('H2MSP', 'auditor', { role: 'auditor' });
    const day = 86_400_000;
    const now = transactions().find((one) => one.txId === txId)!.timestampMs;
    const window = [String(now - day), String(now + day), ''];
    const answer = (await evaluate(auditor, 'AuditContract:byActor', [nurse.actor, ...window])) as {
      items: readonly AuditItem[];
    };
    expect(answer.items).toHaveLength(1);
    const [item] = answer.items as readonly [AuditItem];
    const block = [...readBlocks(ledger.blocksDir)].find(({ bytes }) =>
      walkBlock(bytes).some((one) => one.txId === txId),
    )!.bytes;
    expect(proveAuditItem(item, block)).toMatchObject({
      endorsers: expect.arrayContaining(['H1MSP']) as unknown,
    });
    const forged = (more: Partial<AuditItem>): unknown =>
      proveAuditItem({ ...item, ...more }, block);
    expect(forged({ actor: 'ab'.repeat(16) })).toBe('other-actor');
    expect(forged({ function: 'RecordAccessContract:export' })).toBe('other-function');
    expect(forged({ digest: 'd'.repeat(64) })).toBe('no-such-write');
    expect(forged({ key: `den~${txId}` })).toBe('no-such-write');
    expect(forged({ txId: 'd'.repeat(64) })).toBe('no-such-transaction');
  });
});

describe('what blocks contain', () => {
  it('of a hospital’s log: handles, codes and digests, and no name of a person, a patient or a session', async () => {
    const log = hospitalLog();
    const codes = await playLog(log, { enrol: newPerson, commit });
    expect(codes).toEqual(log.calls.map(() => 0));
    const formOf = searchIn([...readBlocks(ledger.blocksDir)].map(({ bytes }) => bytes));
    // The search finds what is there: the handles of sessions, which are public by design, and what certificates hold …
    expect(log.calls.length).toBeGreaterThan(20);
    for (const { session } of log.calls) expect(formOf(session)).toBe('text');
    expect(formOf('"role":"nurse"')).toBe('base64');
    // … and of what the log calls people, patients and sessions, nothing.
    const found = log.rawIdentifiers.map((raw) => [raw, formOf(raw)] as const);
    expect(found.filter(([, form]) => form !== null)).toEqual([]);
  }, 60_000);
});
