import { emptyProfile, encodeProfile } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import { decodeActorState } from '../src/actor-state.js';
import type { NodeState } from '../src/roster.js';
import {
  DIGEST,
  HOSPITALS,
  accepted,
  createConsortium,
  enrolled,
  ordinaryMorning,
  type Consortium,
} from './consortium-fixture.js';
import { createMemoryLedger, person, type Person } from './memory-ledger.js';

const CONFIG = { hospitals: HOSPITALS, attestations: 2, replay: false, vocabulary: null };
const PROFILE = Buffer.from(encodeProfile(emptyProfile())).toString('base64');
const ACTOR = 'ab'.repeat(16);

describe('configure', () => {
  const call = 'FederationContract:configure';
  const ops = person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  const configure = (ledger: ReturnType<typeof createMemoryLedger>, config: unknown) =>
    ledger.submit({ by: ops, call, args: [JSON.stringify(config)] });

  it('is done once; the same again is success, another one is refused', async () => {
    const ledger = createMemoryLedger();
    const first = await accepted(configure(ledger, CONFIG));
    expect(first.reply).toEqual({ status: 'configured' });
    const { replay, ...rest } = CONFIG;
    const same = await accepted(configure(ledger, { replay, ...rest, highRisk: [] }));
    expect([same.reply, same.writes.size]).toEqual([{ status: 'already-configured' }, 0]);
    const other = await configure(ledger, { ...CONFIG, replay: true });
    expect(other.message).toMatch(/^ERR_CONFIGURED_DIFFERENTLY: /);
  });

  it.each([
    ['hospitals', { hospitals: [] }],
    ['hospitals', { hospitals: ['H1MSP', 'H1MSP'] }],
    ['hospitals', { hospitals: 'H1MSP' }],
    ['attestations', { attestations: 1 }], // not more than half
    ['attestations', { attestations: 4 }],
    ['attestations', { attestations: 2.5 }],
    ['replay', { replay: 'yes' }],
    ['vocabulary.size', { vocabulary: { hash: 'a'.repeat(64), size: 0 } }],
    ['vocabulary.hash', { vocabulary: { hash: 'a', size: 3 } }],
    ['highRisk', { highRisk: [1] }],
    ['theta', { theta: 5 }],
  ])('a bad %s is named: %j', async (name, change) => {
    const refused = await configure(createMemoryLedger(), { ...CONFIG, ...change });
    expect(refused.message).toContain(`ERR_ARGUMENT: config.${name}: got `);
  });

  it('comes before everything that hospitals do', async () => {
    const analyst = person('H1MSP', 'analyst', { role: 'analyst' });
    const claim = { by: analyst, call: 'QuarantineContract:claim', args: ['0'.repeat(64), '1'] };
    const refused = await createMemoryLedger().submit(claim);
    expect(refused.message).toMatch(/^ERR_FEDERATION_NOT_CONFIGURED: /);
  });
});

describe('enrolActors', () => {
  const call = 'FederationContract:enrolActors';
  const entry = { actor: ACTOR, class: 'person', profile: PROFILE };

  it('writes who is new, and leaves who is there', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const list = [entry, { ...entry, actor: o.clerk.actor }];
    const before = o.ledger.read('act', o.clerk.actor, 'H1MSP');
    const enrolled = await accepted(o.submit(o.nodes[0]!, call, [JSON.stringify(list)]));
    expect(enrolled.reply).toEqual({ enrolled: 1, present: 1 });
    expect(o.ledger.read('act', o.clerk.actor, 'H1MSP')).toBe(before);
    expect(decodeActorState(o.ledger.read('act', ACTOR, 'H1MSP')!)).toMatchObject({
      status: 'active',
      grants: 0,
      profile: PROFILE,
    });
  });

  it('is no matter of another hospital that knows the id: it blocks nobody and replaces nothing', async () => {
    const o = await createConsortium();
    const [owner, stranger, another] = o.nodes as [Person, Person, Person];
    await enrolled(o, stranger, { actor: ACTOR, class: 'service' });
    const { reply } = await enrolled(o, owner, { actor: ACTOR });
    expect(reply).toEqual({ enrolled: 1, present: 0 });
    const own = o.ledger.read('act', ACTOR, 'H1MSP')!;
    expect(decodeActorState(own)).toMatchObject({ class: 'person', profile: PROFILE });
    for (const node of [another, stranger]) {
      await enrolled(o, node, { actor: ACTOR, class: 'service' });
    }
    expect(o.ledger.read('act', ACTOR, 'H1MSP')).toBe(own);
  });

  it.each([
    ['actors', []],
    ['actors', Array.from({ length: 51 }, () => entry)],
    ['actors', [entry, entry]],
    ['actors', { entry }],
    ['actors[0].actor', [{ ...entry, actor: 'Jane Doe' }]],
    ['actors[0].class', [{ ...entry, class: 'robot' }]],
    ['actors[0].profile', [{ ...entry, profile: PROFILE.slice(0, -8) }]],
    ['actors[0].profile', [{ ...entry, profile: 7 }]],
  ])('a bad %s is named', async (name, list) => {
    const o = await createConsortium({ detector: false });
    const refused = await o.submit(o.nodes[0]!, call, [JSON.stringify(list)]);
    expect(refused.message).toContain(`ERR_ARGUMENT: ${name}: expected `);
  });
});

describe('admit', () => {
  const call = 'FederationContract:admit';

  it('adds a hospital once, and keeps m above half', async () => {
    const o = await createConsortium({ detector: false });
    expect((await accepted(o.submit(o.ops, call, ['H4MSP']))).reply).toEqual({
      status: 'admitted',
      attestations: 3,
    });
    const again = await accepted(o.submit(o.ops, call, ['H4MSP']));
    expect([again.reply, again.writes.size]).toEqual([
      { status: 'already-admitted', attestations: 3 },
      0,
    ]);
    const newcomer = person('H4MSP', 'node', { role: 'hospital-node' });
    const list = JSON.stringify([{ actor: ACTOR, class: 'person', profile: PROFILE }]);
    await accepted(o.submit(newcomer, 'FederationContract:enrolActors', [list]));
  });

  it.each(['', 'H 4', 'x'.repeat(65)])('refuses %j', async (mspId) => {
    const o = await createConsortium({ detector: false });
    expect((await o.submit(o.ops, call, [mspId])).message).toMatch(/^ERR_ARGUMENT: /);
  });

  it('is for the orchestrator of OpsMSP', async () => {
    const o = await createConsortium({ detector: false });
    expect((await o.submit(o.nodes[0]!, call, ['H4MSP'])).message).toMatch(
      /^ERR_MSP_NOT_ALLOWED: /,
    );
  });
});

describe('the roster of nodes', () => {
  const admins = HOSPITALS.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
  const name = (step: string): string => `FederationContract:${step}Node`;
  const ask = (o: Consortium, step: string, admin: number, args: readonly string[] = ['H1']) =>
    o.submit(admins[admin]!, name(step), [...args, ...(step === 'approve' ? [] : [DIGEST])]);

  async function inState(target: 'absent' | NodeState): Promise<Consortium> {
    const o = await createConsortium({ detector: false });
    if (target === 'absent') return o;
    await accepted(ask(o, 'request', 0));
    if (target === 'requested') return o;
    await accepted(ask(o, 'approve', 0));
    await accepted(ask(o, 'approve', 1));
    if (target === 'approved') return o;
    await accepted(ask(o, 'revoke', 0));
    return o;
  }

  /** By its own hospital's admin: the step, from each state, and what comes of it. */
  it.each([
    ['request', 'absent', 'requested'],
    ['request', 'requested', 'requested'],
    ['request', 'approved', 'approved'],
    ['request', 'revoked', 'requested'],
    ['approve', 'absent', 'ERR_NOT_FOUND'],
    ['approve', 'requested', 'requested'], // one vote of two
    ['approve', 'approved', 'ERR_NODE_STATE'],
    ['approve', 'revoked', 'ERR_NODE_STATE'],
    ['revoke', 'absent', 'ERR_NOT_FOUND'],
    ['revoke', 'requested', 'ERR_NODE_STATE'],
    ['revoke', 'approved', 'revoked'],
    ['revoke', 'revoked', 'ERR_NODE_STATE'],
  ] as const)('%s from %s: %s', async (step, from, expected) => {
    const o = await inState(from);
    const { reply, message } = await ask(o, step, 0);
    if (expected.startsWith('ERR')) expect(message).toMatch(new RegExp(`^${expected}: `));
    else expect(reply).toMatchObject({ node: 'H1', state: expected });
  });

  it('counts each hospital once, and uses the votes up', async () => {
    const o = await inState('requested');
    await accepted(ask(o, 'approve', 0));
    expect((await accepted(ask(o, 'approve', 0))).reply).toMatchObject({ state: 'requested' });
    expect((await accepted(ask(o, 'approve', 2))).reply).toEqual({
      node: 'H1',
      state: 'approved',
      votes: ['H1MSP', 'H3MSP'],
    });
    await accepted(ask(o, 'revoke', 0));
    await accepted(ask(o, 'request', 0));
    expect((await accepted(ask(o, 'approve', 0))).reply).toMatchObject({ state: 'requested' });
  });

  it('is revoked by m others where its own hospital does not', async () => {
    const o = await inState('approved');
    expect((await accepted(ask(o, 'revoke', 1))).reply).toMatchObject({ state: 'approved' });
    expect((await accepted(ask(o, 'revoke', 2))).reply).toMatchObject({ state: 'revoked' });
  });

  it('a node belongs to the hospital that requested it, under one key', async () => {
    const o = await inState('requested');
    expect((await ask(o, 'request', 1)).message).toMatch(/^ERR_MSP_NOT_ALLOWED: /);
    const otherKey = await o.submit(admins[0]!, name('request'), ['H1', 'e'.repeat(64)]);
    expect(otherKey.message).toMatch(/^ERR_NODE_STATE: /);
    expect((await ask(o, 'request', 0, ['H 1'])).message).toMatch(/^ERR_ARGUMENT: node: /);
  });
});

describe('plans and anchors', () => {
  it('a plan is approved by m hospitals, each once', async () => {
    const o = await createConsortium({ detector: false });
    const admins = HOSPITALS.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
    const approve = async (i: number) =>
      (await accepted(o.submit(admins[i]!, 'FederationContract:approvePlan', [DIGEST]))).reply;
    expect(await approve(0)).toMatchObject({ approved: false });
    expect(await approve(0)).toMatchObject({ approved: false });
    expect(await approve(1)).toMatchObject({ approved: true, approvers: ['H1MSP', 'H2MSP'] });
    const query = { by: o.clerk, call: 'FederationContract:plan', args: [DIGEST] };
    expect((await o.ledger.simulate(query)).reply).toMatchObject({ plan: { planHash: DIGEST } });
  });

  it('a round is anchored once; the same again is success', async () => {
    const o = await createConsortium({ detector: false });
    const heads = JSON.stringify({ H1: `4:${DIGEST}`, H2: `9:${DIGEST}` });
    const anchor = (digest: string) =>
      o.submit(o.ops, 'FederationContract:anchorRound', ['7', digest, heads]);
    expect((await accepted(anchor(DIGEST))).reply).toEqual({ status: 'anchored', slot: 7 });
    expect((await accepted(anchor(DIGEST))).reply).toEqual({ status: 'already-anchored', slot: 7 });
    expect((await anchor('e'.repeat(64))).message).toMatch(/^ERR_CONFIGURED_DIFFERENTLY: /);
  });

  it.each(['[]', 'x', '{"H1":"4"}', '{"H 1":"4:x"}', `{"H1":${' '.repeat(4096)}"4"}`])(
    'refuses ledger heads like %.20j',
    async (heads) => {
      const o = await createConsortium({ detector: false });
      const args = ['7', DIGEST, heads];
      const anchored = await o.submit(o.ops, 'FederationContract:anchorRound', args);
      expect(anchored.message).toMatch(/^ERR_ARGUMENT: /);
    },
  );

  it('a hospital anchors the head of its own audit stream', async () => {
    const o = await createConsortium({ detector: false });
    const anchored = await accepted(
      o.submit(o.nodes[1]!, 'FederationContract:anchorAudit', ['12', DIGEST]),
    );
    expect(anchored.reply).toMatchObject({ mspId: 'H2MSP', count: 12, head: DIGEST });
    expect(o.ledger.read('anchor', 'H2MSP', anchored.txId)).not.toBeNull();
  });
});
