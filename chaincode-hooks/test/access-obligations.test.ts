/**
 * What a rule of the access policy may ask for beyond a consent: a care relation, a colleague's countersignature, a review.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { parseAccessPolicy } from '../src/business/access-policy.js';
import { isRelated, type NotedEncounter } from '../src/business/care-relation.js';
import { isCountersigned, type Countersignature } from '../src/business/countersignature.js';
import { callDigest, decodeGuardEvent, decodeQuarantineRecord } from '../src/events.js';
import { isGrantable } from '../src/review-machine.js';
import {
  DAY_MS,
  HOUR_MS,
  RECORD,
  SESSION,
  accepted,
  createConsortium,
  type Consortium,
} from './consortium-fixture.js';
import { START_MS, person, type Person, type Simulation } from './memory-ledger.js';

const MINUTE_MS = 60_000;
const [admin1, admin2] = ['H1MSP', 'H2MSP'].map((mspId) =>
  person(mspId, 'admin', { role: 'hospital-admin' }),
) as [Person, Person];
const inWard = (name: string, role: string, ward = '4B'): Person =>
  person('H1MSP', name, { role, ward });
const nurse = inWard('n-1', 'nurse');
const colleague = inWard('n-2', 'nurse');
const elsewhere = inWard('n-3', 'nurse', '5A');
const physician = inWard('p-1', 'physician');

async function consortiumWith(rule: object): Promise<Consortium> {
  const o = await createConsortium({ detector: false });
  const text = JSON.stringify({
    rules: [{ effect: 'allow', roles: ['nurse', 'physician'], ...rule }],
  });
  const propose = [SESSION, '1', text, ''];
  const { reply } = await accepted(o.submit(admin1, 'AccessPolicyContract:proposePolicy', propose));
  const { digest } = (reply as { result: { digest: string } }).result;
  const approve = [SESSION, '1', digest, ''];
  const approved = await accepted(o.submit(admin2, 'AccessPolicyContract:approvePolicy', approve));
  expect(approved.reply).toMatchObject({ result: { adopted: true } });
  return o;
}

const READ = [SESSION, RECORD, 'treatment', 'notes', '1', ''];

function read(o: Consortium, by: Person, timestampMs = START_MS, args = READ): Promise<Simulation> {
  return accepted(o.submit(by, 'RecordAccessContract:requestAccess', args, { timestampMs }));
}

const DENIED = (reason: string): object => ({ disposition: 'denied', reason });
const RAN = { disposition: 'allowed' };

describe('a care relation', () => {
  const encounter = async (
    o: Consortium,
    by: Person,
    n: number,
    timestampMs = START_MS,
  ): Promise<void> => {
    const args = [SESSION, RECORD, String(n).repeat(64), ''];
    const noted = o.submit(by, 'ClaimsContract:recordEncounter', args, { timestampMs });
    expect((await accepted(noted)).reply).toMatchObject(RAN);
  };

  it('is an encounter on the own ward that a colleague noted', async () => {
    const o = await consortiumWith({ relationDays: 30 });
    expect((await read(o, nurse)).reply).toEqual(DENIED('relation'));
    await encounter(o, nurse, 1); // her own word does not relate her
    expect((await read(o, nurse)).reply).toEqual(DENIED('relation'));
    expect((await read(o, colleague)).reply).toMatchObject(RAN);
    await encounter(o, colleague, 2);
    expect((await read(o, nurse)).reply).toMatchObject(RAN);
    expect((await read(o, elsewhere)).reply).toEqual(DENIED('relation'));
  });

  it('ends, and a later note of one’s own does not hide the colleague’s', async () => {
    const o = await consortiumWith({ relationDays: 2 });
    await encounter(o, colleague, 1);
    await encounter(o, nurse, 2, START_MS + HOUR_MS);
    expect((await read(o, nurse, START_MS + 2 * DAY_MS)).reply).toMatchObject(RAN);
    expect((await read(o, nurse, START_MS + 2 * DAY_MS + 1)).reply).toEqual(DENIED('relation'));
  });

  it('never reaches somebody without a ward, nor a set of unnamed records', async () => {
    const o = await consortiumWith({ relationDays: 30 });
    await encounter(o, colleague, 1);
    expect((await read(o, person('H1MSP', 'n-4', { role: 'nurse' }))).reply).toEqual(
      DENIED('relation'),
    );
    const set = [SESSION, 'e'.repeat(64), '2', 'treatment', 'notes', ''];
    const exported = await accepted(o.submit(nurse, 'RecordAccessContract:export', set));
    expect(exported.reply).toEqual(DENIED('relation'));
  });

  it('is by others only, whatever was noted', () => {
    const noted = fc.array(
      fc.record({ by: fc.constantFrom('a', 'b', 'c'), atMs: fc.nat({ max: 10 * DAY_MS }) }),
    );
    fc.assert(
      fc.property(noted, fc.integer({ min: 1, max: 9 }), (list: NotedEncounter[], days) => {
        const atMs = 10 * DAY_MS;
        const others = list.filter(({ by }) => by !== 'a').map((each) => atMs - each.atMs);
        const related = Math.min(Infinity, ...others) <= days * DAY_MS;
        expect(isRelated({ noted: list }, { actor: 'a', atMs, days })).toBe(related);
      }),
    );
  });
});

describe('a second person', () => {
  const digest = callDigest('RecordAccessContract:requestAccess', READ);
  const countersign = async (
    o: Consortium,
    by: Person,
    timestampMs = START_MS,
  ): Promise<Simulation> =>
    accepted(
      o.submit(by, 'AccessPolicyContract:countersign', [SESSION, nurse.actor, digest, ''], {
        timestampMs,
      }),
    );
  let o: Consortium;
  beforeAll(async () => {
    o = await consortiumWith({ secondPerson: ['physician'] });
  });

  it('countersigns one request, which then runs once and names her', async () => {
    expect((await read(o, nurse)).reply).toEqual(DENIED('second-person'));
    expect((await countersign(o, physician)).reply).toMatchObject(RAN);
    const another = READ.with(3, 'results');
    expect((await read(o, nurse, START_MS, another)).reply).toEqual(DENIED('second-person'));
    expect((await read(o, colleague)).reply).toEqual(DENIED('second-person'));
    const ran = await read(o, nurse, START_MS, READ.with(0, '00000000000000a2'));
    expect(ran.reply).toMatchObject(RAN);
    const ticket = JSON.parse(Buffer.from(o.ledger.read('acc', ran.txId)!).toString()) as object;
    expect(ticket).toMatchObject({ secondPerson: physician.actor });
    expect((await read(o, nurse)).reply).toEqual(DENIED('second-person'));
  });

  it('is another one, of the roles that the rule names, and in time', async () => {
    expect((await countersign(o, nurse)).reply).toEqual(DENIED('same-person'));
    await countersign(o, colleague);
    expect((await read(o, nurse)).reply).toEqual(DENIED('second-person'));
    await countersign(o, person('H2MSP', 'p-2', { role: 'physician' }));
    expect((await read(o, nurse)).reply).toEqual(DENIED('second-person'));
    await countersign(o, physician);
    const late = START_MS + 15 * MINUTE_MS + 1;
    expect((await read(o, nurse, late)).reply).toEqual(DENIED('second-person'));
    expect((await read(o, nurse, late - 1)).reply).toMatchObject(RAN);
  });

  const signed: Countersignature = { by: 'b', mspId: 'M', role: 'r', expiresMs: 10 };
  it.each<[string, Countersignature | null, boolean]>([
    ['nobody', null, false],
    ['a colleague', signed, true],
    ['herself', { ...signed, by: 'a' }, false],
    ['another hospital', { ...signed, mspId: 'N' }, false],
    ['another role', { ...signed, role: 's' }, false],
    ['too long ago', { ...signed, expiresMs: 9 }, false],
  ])('%s', (_, stored, ok) => {
    const caller = { actor: 'a', mspId: 'M' };
    expect(isCountersigned(stored, { caller, roles: ['r'], atMs: 10 })).toBe(ok);
  });
});

describe('a review', () => {
  it('is opened of an access that runs, and permits nothing', async () => {
    const o = await consortiumWith({ review: true });
    const ran = await read(o, nurse);
    expect(ran.reply).toMatchObject(RAN);
    const record = decodeQuarantineRecord(o.ledger.read('rev', ran.txId)!);
    expect(record).toMatchObject({ cause: 'policy', state: 'open', actor: nurse.actor });
    expect(isGrantable(record)).toBe(false);
    expect(o.ledger.read('acc', ran.txId)).not.toBeNull();
    expect(decodeGuardEvent(ran.events[0]!.payload)).toMatchObject({
      disposition: 'flagged',
      quarantine: ran.txId,
    });
  });

  it('is not opened of an access that the policy denies', async () => {
    const o = await consortiumWith({ review: true, secondPerson: ['physician'] });
    const refused = await read(o, nurse);
    expect(refused.reply).toEqual(DENIED('second-person'));
    expect(o.ledger.read('rev', refused.txId)).toBeNull();
  });
});

it.each([
  '{"rules":[{"effect":"allow","relationDays":0}]}',
  '{"rules":[{"effect":"allow","relationDays":367}]}',
  '{"rules":[{"effect":"allow","secondPerson":[]}]}',
  '{"rules":[{"effect":"allow","secondPerson":["Physician"]}]}',
  '{"rules":[{"effect":"allow","review":1}]}',
])('%s is no policy', (text) => {
  expect(parseAccessPolicy(text)).toBeNull();
});
