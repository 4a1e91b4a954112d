import { emptyProfile, encodeProfile } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import { decodeActorState } from '../src/actor-state.js';
import { HOSPITALS, accepted, createConsortium, ordinaryMorning } from './consortium-fixture.js';
import { createMemoryLedger, person } from './memory-ledger.js';

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
    const before = o.ledger.read('act', o.clerk.actor);
    const enrolled = await accepted(o.submit(o.nodes[0]!, call, [JSON.stringify(list)]));
    expect(enrolled.reply).toEqual({ enrolled: 1, present: 1 });
    expect(o.ledger.read('act', o.clerk.actor)).toBe(before);
    expect(decodeActorState(o.ledger.read('act', ACTOR)!, 'H1MSP')).toMatchObject({
      status: 'active',
      grants: 0,
      profile: PROFILE,
    });
    // For any other hospital the entry does not exist: the id of an actor contains its MSP.
    expect(decodeActorState(o.ledger.read('act', ACTOR)!, 'H2MSP')).toBeNull();
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
