/**
 * The business state machines, every step from every state by every party: what the table allows happens, and everything
 * else is a denial.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  CLAIM_STATES,
  CLAIM_STEPS,
  DISPUTE_MS,
  advanceClaim,
  totalOf,
  type Claim,
  type ClaimState,
  type ClaimStep,
} from '../src/business/claim.js';
import {
  CONSENT_STATES,
  CONSENT_STEPS,
  advanceConsent,
  requestConsent,
  type Consent,
  type ConsentState,
  type ConsentStep,
} from '../src/business/consent.js';
import {
  BATCH_STATES,
  BATCH_STEPS,
  advanceBatch,
  recallLot,
  type BatchState,
  type BatchStep,
  type DrugBatch,
  type DrugLot,
} from '../src/business/drug-batch.js';
import { Denial } from '../src/denial.js';
import type { Caller } from '../src/guard-context.js';

const NOW = 1_800_000_000_000;
const RECORD = 'H1-00000000000000b1';
const D = 'd'.repeat(64);

function caller(mspId: string, role: string, more: Partial<Caller> = {}): Caller {
  return { actor: `${mspId} ${role}`, mspId, role, class: 'person', ward: '', record: '', ...more };
}

function outcome(result: { readonly state: string } | Denial): string {
  return result instanceof Denial ? result.reason : result.state;
}

describe('a consent', () => {
  const CONSENT: Consent = {
    consent: 'c'.repeat(64),
    record: RECORD,
    grantee: { mspId: 'H2MSP', role: 'physician', ward: '', actor: '' },
    purposes: ['treatment', 'research'],
    sections: ['notes', 'results'],
    notBeforeMs: NOW - 1_000,
    notAfterMs: NOW + 1_000,
    state: 'requested',
    version: 1,
    documentDigest: '',
    by: '',
    atMs: 0,
    reasonClass: 'none',
  };
  const custodian = caller('H1MSP', 'consent-officer');
  const delegate = caller('H3MSP', 'patient-delegate', { record: RECORD });
  const grantee = caller('H2MSP', 'physician');
  const strangers = [
    caller('H1MSP', 'nurse'),
    caller('H3MSP', 'consent-officer'),
    caller('H3MSP', 'patient-delegate', { record: 'H1-00000000000000b2' }),
  ];

  /** The table of the module, said again by hand: step, from, to, and who of custodian, delegate, grantee may. */
  const ALLOWED: readonly (readonly [ConsentStep, readonly ConsentState[], string, string])[] = [
    ['grant', ['requested'], 'granted', 'custodian delegate'],
    ['decline', ['requested'], 'declined', 'custodian delegate'],
    ['activate', ['granted'], 'active', 'custodian grantee'],
    ['suspend', ['active'], 'suspended', 'custodian'],
    ['resume', ['suspended'], 'active', 'custodian'],
    ['narrow', ['granted', 'active', 'suspended'], 'same', 'custodian delegate'],
    ['revoke', ['requested', 'granted', 'active', 'suspended'], 'revoked', 'custodian delegate'],
  ];
  const parties = { custodian, delegate, grantee } as const;
  const cases = CONSENT_STEPS.flatMap((step) =>
    CONSENT_STATES.flatMap((from) =>
      (Object.keys(parties) as (keyof typeof parties)[]).map((party) => {
        const [, froms, to, who] = ALLOWED.find(([name]) => name === step)!;
        const may = who.split(' ').includes(party);
        const expected = !may
          ? 'wrong-role'
          : !froms.includes(from)
            ? 'wrong-state'
            : to === 'same'
              ? from
              : to;
        return [step, from, party, expected] as const;
      }),
    ),
  );

  it.each(cases)('%s from %s by the %s: %s', (step, from, party, expected) => {
    const command = { caller: parties[party], atMs: NOW };
    expect(outcome(advanceConsent({ ...CONSENT, state: from }, step, command))).toBe(expected);
  });

  it('is nobody else’s business', () => {
    for (const step of CONSENT_STEPS) {
      for (const state of CONSENT_STATES) {
        for (const stranger of strangers) {
          const result = advanceConsent({ ...CONSENT, state }, step, {
            caller: stranger,
            atMs: NOW,
          });
          expect(outcome(result)).toBe('wrong-role');
        }
      }
    }
  });

  it.each([
    ['granted', 'activate', NOW - 1_001, 'not-yet-valid'],
    ['granted', 'activate', NOW - 1_000, 'active'],
    ['granted', 'activate', NOW + 1_000, 'active'],
    ['granted', 'activate', NOW + 1_001, 'expired'],
    ['requested', 'grant', NOW + 1_001, 'expired'],
    ['suspended', 'resume', NOW + 1_001, 'expired'],
    ['active', 'suspend', NOW + 1_001, 'suspended'],
    ['active', 'revoke', NOW + 1_001, 'revoked'],
  ] as const)('%s, %s at the edges of its validity: %i gives %s', (state, step, atMs, expected) => {
    expect(outcome(advanceConsent({ ...CONSENT, state }, step, { caller: custodian, atMs }))).toBe(
      expected,
    );
  });

  it('shrinks and never widens', () => {
    const active: Consent = { ...CONSENT, state: 'active' };
    const narrow = (purposes: readonly string[], sections: readonly string[]): unknown =>
      advanceConsent(active, 'narrow', { caller: custodian, atMs: NOW, purposes, sections });
    expect(narrow(['treatment'], ['notes'])).toMatchObject({ purposes: ['treatment'], version: 2 });
    expect(narrow(['treatment', 'legal'], ['notes'])).toEqual(new Denial('widening'));
    expect(narrow(['treatment'], ['notes', 'sensitive'])).toEqual(new Denial('widening'));
  });

  it('is requested for one’s own organisation, and for a time to come', () => {
    const terms = { ...CONSENT };
    const asked = (by: Caller, more: Partial<Consent>): string =>
      outcome(requestConsent(D, { ...terms, ...more }, { caller: by, atMs: NOW }));
    expect(asked(grantee, {})).toBe('requested');
    expect(asked(custodian, {})).toBe('wrong-organisation');
    expect(asked(grantee, { notAfterMs: NOW - 1 })).toBe('expired');
    expect(asked(grantee, { notBeforeMs: NOW + 2_000 })).toBe('malformed');
  });

  it('once declined or revoked never changes again, whatever the steps', () => {
    const anybody = fc.constantFrom(custodian, delegate, grantee, ...strangers);
    const steps = fc.array(fc.tuple(fc.constantFrom(...CONSENT_STEPS), anybody), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (taken) => {
        let consent = CONSENT;
        for (const [step, by] of taken) {
          const next = advanceConsent(consent, step, { caller: by, atMs: NOW });
          if (next instanceof Denial) continue;
          expect(['declined', 'revoked']).not.toContain(consent.state);
          expect(next.version).toBe(consent.version + 1);
          consent = next;
        }
      }),
    );
  });
});

describe('a drug batch', () => {
  const LOT: DrugLot = { manufacturer: 'MakerMSP', recall: null };
  const RECALLED: DrugLot = {
    ...LOT,
    recall: { by: 'x', mspId: 'MakerMSP', atMs: 0, reasonClass: 'safety' },
  };
  const BATCH: DrugBatch = {
    batch: 'b'.repeat(64),
    parent: '',
    product: 'P1',
    lot: 'L1',
    expiresMs: NOW + 1_000,
    quantity: 10,
    unit: 'tablet',
    holder: 'H1MSP',
    state: 'available',
    version: 1,
    documentDigest: D,
    offer: null,
    waste: null,
  };
  const inState = (state: BatchState): DrugBatch => ({
    ...BATCH,
    state,
    quantity: state === 'depleted' ? 0 : 10,
    offer: state === 'offered' ? { to: 'H2MSP', quantity: 4 } : null,
    waste: state === 'wasting' ? { quantity: 10, by: 'somebody', reasonClass: 'none' } : null,
  });
  const holder = caller('H1MSP', 'pharmacist');
  const receiver = caller('H2MSP', 'pharmacist');
  const command = { atMs: NOW, quantity: 4, to: 'H2MSP', txId: 't'.repeat(64) };
  const result = (
    state: BatchState,
    step: BatchStep,
    by: Caller,
    more: Partial<typeof command> = {},
    lot = LOT,
  ): string => {
    const change = advanceBatch(inState(state), lot, step, { ...command, ...more, caller: by });
    return change instanceof Denial ? change.reason : change.batch.state;
  };

  /** Step, the one state it is taken from, where it leads with 4 of 10. */
  const ALLOWED: readonly (readonly [BatchStep, BatchState, BatchState])[] = [
    ['offer', 'available', 'offered'],
    ['retract', 'offered', 'available'],
    ['accept', 'offered', 'available'],
    ['dispense', 'available', 'available'],
    ['waste', 'available', 'wasting'],
    ['witnessWaste', 'wasting', 'depleted'],
  ];
  const cases = ALLOWED.flatMap(([step, from, to]) =>
    BATCH_STATES.map((state) => [step, state, state === from ? to : 'wrong-state'] as const),
  );

  it.each(cases)('%s from %s: %s', (step, state, expected) => {
    // Nobody is offered what is not on offer, so acceptance elsewhere is the holder's own attempt.
    const by = step === 'accept' && state === 'offered' ? receiver : holder;
    expect(result(state, step, by)).toBe(expected);
  });

  it('is moved by its holder, and accepted by whom it was offered to', () => {
    for (const step of BATCH_STEPS) {
      for (const state of BATCH_STATES) {
        expect(result(state, step, caller('H3MSP', 'pharmacist'))).toBe('wrong-organisation');
      }
    }
    expect(result('offered', 'accept', holder)).toBe('wrong-organisation');
  });

  it.each(['offer', 'accept', 'dispense'] as const)('%s stops at recall and expiry', (step) => {
    const [, from] = ALLOWED.find(([name]) => name === step)!;
    const by = step === 'accept' ? receiver : holder;
    expect(result(from, step, by, {}, RECALLED)).toBe('recalled');
    expect(result(from, step, by, { atMs: NOW + 1_001 })).toBe('expired');
  });

  it('is wasted even when recalled, with a second person', () => {
    expect(result('available', 'waste', holder, {}, RECALLED)).toBe('wasting');
    expect(result('wasting', 'witnessWaste', { ...holder, actor: 'somebody' })).toBe('same-person');
    expect(result('wasting', 'witnessWaste', holder, {}, RECALLED)).toBe('depleted');
  });

  it('never gives more than there is', () => {
    for (const step of ['offer', 'dispense', 'waste'] as const) {
      expect(result('available', step, holder, { quantity: 11 })).toBe('quantity');
    }
    expect(result('available', 'dispense', holder, { quantity: 10 })).toBe('depleted');
    expect(result('available', 'offer', holder, { to: 'H1MSP' })).toBe('wrong-organisation');
    expect(result('available', 'dispense', caller('H1MSP', 'clerk'))).toBe('wrong-role');
  });

  it('is recalled by its own manufacturer or a regulator, once', () => {
    const recall = (by: Caller, lot = LOT): string => {
      const next = recallLot(lot, { ...command, caller: by });
      return next instanceof Denial ? next.reason : next.recall!.mspId;
    };
    expect(recall(caller('MakerMSP', 'manufacturer'))).toBe('MakerMSP');
    expect(recall(caller('OtherMSP', 'manufacturer'))).toBe('wrong-organisation');
    expect(recall(caller('StateMSP', 'regulator'))).toBe('StateMSP');
    expect(recall(holder)).toBe('wrong-role');
    expect(recall(caller('MakerMSP', 'manufacturer'), RECALLED)).toBe('wrong-state');
  });

  it('keeps the sum of all parts, less what was dispensed and wasted', () => {
    const organisations = ['H1MSP', 'H2MSP', 'H3MSP'];
    const step = fc.record({
      part: fc.nat(5),
      step: fc.constantFrom(...BATCH_STEPS),
      organisation: fc.constantFrom(...organisations),
      person: fc.constantFrom('a', 'b'),
      quantity: fc.integer({ min: 1, max: 12 }),
      to: fc.constantFrom(...organisations),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let parts: readonly DrugBatch[] = [BATCH];
        let gone = 0;
        steps.forEach(({ part, step: name, organisation, person, quantity, to }, i) => {
          const before = parts[part % parts.length]!;
          const by = { ...caller(organisation, 'pharmacist'), actor: person };
          const change = advanceBatch(before, LOT, name, {
            caller: by,
            atMs: NOW,
            quantity,
            to,
            txId: String(i),
          });
          if (change instanceof Denial) return;
          if (name === 'dispense' || name === 'witnessWaste') {
            gone += before.quantity - change.batch.quantity;
          }
          const others = parts.filter((each) => each !== before);
          parts = [...others, change.batch, ...(change.part === null ? [] : [change.part])];
          expect(parts.every((each) => each.quantity >= 0)).toBe(true);
          expect(parts.reduce((sum, each) => sum + each.quantity, 0) + gone).toBe(10);
        });
      }),
    );
  });
});

describe('a claim', () => {
  const lines = [
    { code: 'A1', day: '20260105', units: 2, amountMinor: 700 },
    { code: 'B2', day: '20260105', units: 1, amountMinor: 300 },
  ];
  const CLAIM: Claim = {
    claim: 'c'.repeat(64),
    encounter: 'e'.repeat(64),
    record: RECORD,
    provider: 'H1MSP',
    payer: 'PayerMSP',
    lines,
    totalMinor: totalOf(lines),
    documentDigest: D,
    state: 'submitted',
    version: 1,
    approvedMinor: null,
    reasonClass: 'none',
    adjudicatedMs: NOW,
    wasDisputed: false,
    resolution: { mspId: 'H1MSP', amountMinor: 500 },
    previous: [],
  };
  const provider = caller('H1MSP', 'billing');
  const payer = caller('PayerMSP', 'payer');
  const command = { atMs: NOW, amountMinor: 500, digest: D, lines, documentDigest: D };

  const ALLOWED: readonly (readonly [ClaimStep, readonly ClaimState[], ClaimState, string])[] = [
    ['withdraw', ['submitted'], 'withdrawn', 'provider'],
    ['adjudicate', ['submitted'], 'adjudicated', 'payer'],
    ['revise', ['adjudicated'], 'submitted', 'provider'],
    ['dispute', ['adjudicated'], 'disputed', 'provider'],
    ['proposeResolution', ['disputed'], 'disputed', 'provider payer'],
    ['resolve', ['disputed'], 'resolved', 'payer'], // the proposal above is the provider's
    ['settle', ['adjudicated', 'resolved'], 'settled', 'payer'],
  ];
  const parties = { provider, payer, stranger: caller('H2MSP', 'billing') } as const;
  const cases = ALLOWED.flatMap(([step, froms, to, who]) =>
    CLAIM_STATES.flatMap((from) =>
      (Object.keys(parties) as (keyof typeof parties)[]).map((party) => {
        const expected = !who.split(' ').includes(party)
          ? 'wrong-organisation'
          : froms.includes(from)
            ? to
            : 'wrong-state';
        return [step, from, party, expected] as const;
      }),
    ),
  );

  it.each(cases)('%s from %s by the %s: %s', (step, from, party, expected) => {
    const next = advanceClaim({ ...CLAIM, state: from }, step, {
      ...command,
      caller: parties[party],
    });
    expect(outcome(next)).toBe(expected);
  });

  it('is every step of the machine', () => {
    expect(ALLOWED.map(([step]) => step).sort()).toEqual([...CLAIM_STEPS].sort());
  });

  const at = (
    state: ClaimState,
    step: ClaimStep,
    by: Caller,
    more: object,
    of: object = {},
  ): string =>
    outcome(advanceClaim({ ...CLAIM, ...of, state }, step, { ...command, caller: by, ...more }));

  it('never pays more than was claimed', () => {
    expect(at('submitted', 'adjudicate', payer, { amountMinor: 1_000 })).toBe('adjudicated');
    expect(at('submitted', 'adjudicate', payer, { amountMinor: 1_001 })).toBe('quantity');
    expect(at('disputed', 'proposeResolution', payer, { amountMinor: 1_001 })).toBe('quantity');
  });

  it('is disputed once, within thirty days', () => {
    expect(at('adjudicated', 'dispute', provider, { atMs: NOW + DISPUTE_MS })).toBe('disputed');
    expect(at('adjudicated', 'dispute', provider, { atMs: NOW + DISPUTE_MS + 1 })).toBe('too-late');
    expect(at('adjudicated', 'dispute', provider, {}, { wasDisputed: true })).toBe('wrong-state');
  });

  it('is resolved by both sides on the same amount', () => {
    expect(at('disputed', 'resolve', payer, { amountMinor: 501 })).toBe('quantity');
    expect(at('disputed', 'resolve', payer, {}, { resolution: null })).toBe('wrong-state');
  });

  it('keeps the digests of the versions before, up to eight', () => {
    let claim: Claim | Denial = { ...CLAIM, state: 'adjudicated' };
    for (let i = 0; i < 8; i++) {
      claim = advanceClaim({ ...(claim as Claim), state: 'adjudicated' }, 'revise', {
        ...command,
        caller: provider,
        digest: String(i),
      });
    }
    expect((claim as Claim).previous).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(at('adjudicated', 'revise', provider, {}, { previous: (claim as Claim).previous })).toBe(
      'quantity',
    );
  });
});
