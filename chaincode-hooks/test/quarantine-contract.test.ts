import { beforeEach, describe, expect, it } from 'vitest';

import { decodeGuardEvent, decodeQuarantineRecord } from '../src/events.js';
import {
  DAY_MS,
  DIGEST,
  accepted,
  createConsortium,
  ordinaryMorning,
  quarantined,
  released,
  type Consortium,
} from './consortium-fixture.js';
import { START_MS, person, type Person, type Simulation } from './memory-ledger.js';

describe('QuarantineContract', () => {
  let o: Consortium;
  let txId: string;
  const step = (by: Person, name: string, args: readonly string[], timestampMs = START_MS) =>
    o.submit(by, `QuarantineContract:${name}`, args, { timestampMs });
  const propose = (by: Person, version: string, action = 'reject'): Promise<Simulation> =>
    step(by, 'propose', [txId, version, action, 'attack', DIGEST]);

  beforeEach(async () => {
    o = await createConsortium();
    txId = await quarantined(o);
  });

  it('emits one review event a step, with the grant only on a release', async () => {
    const claimed = await accepted(step(o.analyst, 'claim', [txId, '1']));
    expect(claimed.events).toHaveLength(1);
    expect(decodeGuardEvent(claimed.events[0]!.payload)).toEqual({
      v: 1,
      kind: 'review',
      function: 'QuarantineContract:claim',
      session: '',
      actor: o.analyst.actor,
      disposition: 'allowed',
      scored: false,
      modelVersion: null,
      quarantine: txId,
      review: { quarantine: txId, from: 'open', to: 'claimed', version: 2 },
    });
    await accepted(propose(o.analyst, '2'));
    const rejected = await accepted(step(o.officer, 'approve', [txId, '3']));
    expect(rejected.reply).toEqual({
      quarantine: txId,
      from: 'proposed',
      to: 'rejected',
      version: 4,
    });
    expect(o.ledger.read('act', o.clerk.actor, 'H1MSP')).toBeNull();
  });

  it.each([
    [
      'somebody without the role',
      () => person('H1MSP', 'x', { role: 'nurse' }),
      'ERR_ROLE_NOT_ALLOWED',
    ],
    [
      'an analyst of another hospital',
      () => person('H2MSP', 'x', { role: 'analyst' }),
      'ERR_MSP_NOT_ALLOWED',
    ],
    ['the orchestrator', () => person('OpsMSP', 'x', { role: 'analyst' }), 'ERR_MSP_NOT_ALLOWED'],
  ])('%s cannot claim', async (_, who, code) => {
    const refused = await step(who(), 'claim', [txId, '1']);
    expect(refused.message).toMatch(new RegExp(`^${code}: `));
  });

  it('nobody reviews her own call, whatever else she is', async () => {
    const both = person('H1MSP', 'both', { role: 'analyst' });
    const own = await accepted(
      o.submit(both, 'RecordAccessContract:requestAccess', ['not a session']),
    );
    const refused = await step(both, 'claim', [own.txId, '1']);
    expect(refused.message).toMatch(/^ERR_FOUR_EYES: /);
  });

  it('a second key is not a second person', async () => {
    await accepted(step(o.analyst, 'claim', [txId, '1']));
    await accepted(propose(o.analyst, '2'));
    const reenrolled = person('H1MSP', 'analyst', { role: 'privacy-officer' });
    expect(reenrolled.certificatePem).not.toBe(o.analyst.certificatePem);
    const refused = await step(reenrolled, 'approve', [txId, '3']);
    expect(refused.message).toMatch(/^ERR_FOUR_EYES: /);
  });

  it('a stale version is refused', async () => {
    await accepted(step(o.analyst, 'claim', [txId, '1']));
    const refused = await step(o.officer, 'claim', [txId, '1']);
    expect(refused.message).toMatch(/^ERR_REVIEW_VERSION: /);
  });

  it('only the holder proposes; a second person can give it back', async () => {
    await accepted(step(o.analyst, 'claim', [txId, '1']));
    expect((await propose(o.officer, '2')).message).toMatch(/^ERR_NOT_HOLDER: /);
    await accepted(propose(o.analyst, '2'));
    await accepted(step(o.officer, 'return', [txId, '3', DIGEST]));
    await accepted(step(o.analyst, 'unclaim', [txId, '4']));
    await accepted(step(o.officer, 'claim', [txId, '5']));
  });

  it('a high-risk function is approved by another hospital', async () => {
    o = await createConsortium({ highRisk: ['RecordAccessContract:export'] });
    txId = await quarantined(o);
    await accepted(step(o.analyst, 'claim', [txId, '1']));
    await accepted(propose(o.analyst, '2'));
    const own = await step(o.officer, 'approve', [txId, '3']);
    expect(own.message).toMatch(/^ERR_MSP_NOT_ALLOWED: /);
    const foreign = person('H2MSP', 'officer', { role: 'privacy-officer' });
    await accepted(step(foreign, 'approve', [txId, '3']));
  });

  it('anyone may escalate when the deadline is over, and close after thirty days', async () => {
    const early = await step(o.clerk, 'escalate', [txId, '1'], START_MS + DAY_MS);
    expect(early.message).toMatch(/^ERR_TOO_EARLY: /);
    await accepted(step(o.clerk, 'escalate', [txId, '1'], START_MS + DAY_MS + 1));
    await accepted(step(o.analyst, 'claim', [txId, '2'], START_MS + DAY_MS + 2));
    await accepted(step(o.analyst, 'propose', [txId, '3', 'reject', 'attack', DIGEST]));
    await accepted(step(o.officer, 'approve', [txId, '4']));
    await accepted(step(o.clerk, 'appeal', [txId, '5']));
    await accepted(step(o.analyst, 'claim', [txId, '6']));
    await accepted(step(o.analyst, 'propose', [txId, '7', 'reject', 'attack', DIGEST]));
    await accepted(step(o.officer, 'approve', [txId, '8']));
    const again = await step(o.clerk, 'appeal', [txId, '9']);
    expect(again.message).toMatch(/^ERR_REVIEW_STATE: /);
    const soon = await step(o.clerk, 'close', [txId, '9'], START_MS + 30 * DAY_MS);
    expect(soon.message).toMatch(/^ERR_TOO_EARLY: /);
    await accepted(step(o.clerk, 'close', [txId, '9'], START_MS + 30 * DAY_MS + 1));
  });

  it.each([
    ['txid', ['nothing', '1'], 'claim'],
    ['expectedVersion', ['0'.repeat(64), '01'], 'claim'],
    ['action', ['0'.repeat(64), '1', 'delete', 'attack', DIGEST], 'propose'],
    ['finding', ['0'.repeat(64), '1', 'release', 'boredom', DIGEST], 'propose'],
    ['reasonDigest', ['0'.repeat(64), '1', 'release', 'attack', 'because'], 'propose'],
  ])('a bad %s is named', async (name, args, call) => {
    const refused = await step(o.analyst, call, args);
    expect(refused.message).toMatch(new RegExp(`^ERR_ARGUMENT: ${name}: `));
  });

  it('a wrong number of arguments and an unknown transaction are told apart', async () => {
    const short = await step(o.analyst, 'claim', [txId]);
    expect(short.message).toMatch(/^ERR_ARITY: .*expected 2 arguments, got 1/);
    const unknown = await step(o.analyst, 'claim', ['0'.repeat(64), '1']);
    expect(unknown.message).toMatch(/^ERR_NOT_FOUND: /);
  });

  it('lists by state, nearest deadline first, in pages', async () => {
    for (let i = 0; i < 104; i++) {
      await quarantined(o, { timestampMs: START_MS + 1_000 * (104 - i) });
    }
    const list = async (state: string, bookmark: string): Promise<Page> => {
      const query = o.ledger.simulate({
        by: o.analyst,
        call: 'QuarantineContract:list',
        args: [state, bookmark],
      });
      const { reply, writes, events } = await accepted(query);
      expect([writes.size, events.length]).toEqual([0, 0]);
      return reply as Page;
    };
    const first = await list('open', '');
    expect(first.items).toHaveLength(100);
    expect(first.items[0]).toEqual({ txId, mspId: 'H1MSP', deadlineMs: START_MS + DAY_MS });
    const second = await list('open', first.bookmark);
    expect(second.items).toHaveLength(5);
    expect(second.bookmark).toBe('');
    const all = [...first.items, ...second.items];
    expect(new Set(all.map((item) => item.txId)).size).toBe(105);
    const deadlines = all.map((item) => item.deadlineMs);
    expect(deadlines).toEqual([...deadlines].sort((a, b) => a - b));

    await released(o, txId);
    expect((await list('released', '')).items.map((item) => item.txId)).toEqual([txId]);
    expect((await list('open', '')).items.map((item) => item.txId)).not.toContain(txId);
  });
});

interface Page {
  readonly items: readonly { txId: string; deadlineMs: number; mspId: string }[];
  readonly bookmark: string;
}

describe('a report of the second line', () => {
  const call = 'QuarantineContract:report';

  it('opens a review of a committed call, whose release gives no grant', async () => {
    const o = await createConsortium();
    const { txId } = await ordinaryMorning(o);
    const args = [txId, o.clerk.actor, 'RecordAccessContract:requestAccess', DIGEST];
    const reported = await accepted(o.submit(o.nodes[0]!, call, args));
    expect(reported.reply).toMatchObject({ quarantine: txId, to: 'open', version: 1 });
    const stored = decodeQuarantineRecord(o.ledger.read('rev', txId)!);
    expect(stored).toMatchObject({ cause: 'second-line', state: 'open', actor: o.clerk.actor });
    const decided = await released(o, txId);
    expect(decided.reply).toMatchObject({ to: 'released' });
    expect(o.ledger.read('grant', o.clerk.actor, txId)).toBeNull();
  });

  it('is for the node of the actor’s hospital, once, and about a function', async () => {
    const o = await createConsortium();
    const { txId } = await ordinaryMorning(o);
    const name = 'RecordAccessContract:requestAccess';
    const report = (by: Person, id: string, actor: string, fn: string) =>
      o.submit(by, call, [id, actor, fn, DIGEST]);
    const [own, other] = o.nodes as readonly [Person, Person];
    expect((await report(other, txId, o.clerk.actor, name)).message).toMatch(/^ERR_NOT_FOUND: /);
    expect((await report(o.analyst, txId, o.clerk.actor, name)).message).toMatch(
      /^ERR_ROLE_NOT_ALLOWED: /,
    );
    expect((await report(own, txId, o.clerk.actor, 'Jane Doe')).message).toMatch(/^ERR_ARGUMENT: /);
    await accepted(report(own, txId, o.clerk.actor, name));
    expect((await report(own, txId, o.clerk.actor, name)).message).toMatch(/^ERR_REVIEW_STATE: /);
    const held = await quarantined(o);
    expect((await report(own, held, o.clerk.actor, name)).message).toMatch(/^ERR_REVIEW_STATE: /);
  });
});
