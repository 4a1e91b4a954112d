import { describe, expect, it } from 'vitest';
import { epsilonOf } from '../src/accounting/epsilon.js';
import { admitRound, type Admission, type PrivacyCeilings } from '../src/admit-round.js';
import { InvalidArgumentError } from '../src/errors.js';
import { encodeEvent } from '../src/event-codec.js';
import {
  appendRecord,
  verifyLedger,
  type LedgerHead,
  type LedgerKind,
} from '../src/privacy-ledger.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { dpSgd, gaussian, times } from './events.js';

const HOUR = 3_600_000;
const event = gaussian(7.0318266757);
const ceilings: PrivacyCeilings = {
  windowEpsilon: 0.5,
  actorEpsilon: 8,
  horizonMs: 30 * 24 * HOUR,
  windowsPerActor: 1,
  delta: 1e-5,
};

function slot(index: number): { fromMs: number; toMs: number } {
  return { fromMs: index * 6 * HOUR, toMs: (index + 1) * 6 * HOUR };
}

function admit(
  slots: readonly number[],
  index: number,
  change: Partial<PrivacyCeilings> = {},
  of: PrivacyEvent = event,
  abandoned = false,
): Admission {
  let head: LedgerHead | null = null;
  let text = '';
  const write = (kind: LedgerKind, body: object): void => {
    const next = appendRecord(head, kind, '2026-03-01T06:00:00.000Z', body as never);
    text += next.line;
    head = next.head;
  };
  write('opened', {});
  for (const done of slots) {
    write('debited', { roundId: `r${done}`, interval: slot(done), event: encodeEvent(of) });
    if (abandoned) write('abandoned', { roundId: `r${done}` });
  }
  return admitRound(
    verifyLedger(text).records,
    { interval: slot(index), event: of },
    { ...ceilings, ...change },
  );
}

describe('ceilings', () => {
  it('admits a first round, and says how many more fit', () => {
    const admission = admit([], 0);
    expect(admission.admitted).toBe(true);
    if (!admission.admitted) return;
    const filter = (rounds: number): number =>
      epsilonOf(times(rounds, event), { delta: 1e-5, accountant: 'rdp' });
    expect(admission.actorEpsilonAfter).toBeCloseTo(filter(1), 9);
    expect(filter(admission.roundsLeft + 1)).toBeLessThanOrEqual(8);
    expect(filter(admission.roundsLeft + 2)).toBeGreaterThan(8);
  });

  it('what was spent before takes from the rounds that are left, one for one', () => {
    const left = (slots: readonly number[]): number => {
      const admission = admit(slots, 99);
      return admission.admitted ? admission.roundsLeft : -1;
    };
    expect(left([1, 2, 3, 4, 5])).toBe(left([]) - 5);
  });

  it.each([
    [4, 1.13],
    [28, 3.21],
    [120, 7.35],
  ])('the filter says %d rounds of the default plan cost an actor %d', (rounds, expected) => {
    const filter = epsilonOf(times(rounds, dpSgd(0.0512, 3.05, 59)), {
      delta: 1e-5,
      accountant: 'rdp',
    });
    expect(filter).toBeCloseTo(expected, 1);
  });

  it.each([false, true])('refuses an interval that is spent (abandoned: %s)', (abandoned) => {
    expect(admit([3, 4, 5], 4, {}, event, abandoned)).toMatchObject({
      admitted: false,
      reason: 'interval-spent',
    });
  });

  it('refuses a round that costs a window more than the ceiling', () => {
    const admission = admit([], 0, {}, gaussian(7));
    expect(admission).toMatchObject({ admitted: false, reason: 'window-ceiling', ceiling: 0.5 });
    if (!admission.admitted) expect(admission.after).toBeGreaterThan(0.5);
  });

  it('refuses when the horizon is full, and admits again when it has moved on', () => {
    const slots = [...Array(8).keys()];
    const tight = { actorEpsilon: 1.5, horizonMs: 48 * HOUR };
    const refused = admit(slots, 8, tight);
    expect(refused).toMatchObject({ admitted: false, reason: 'actor-ceiling', ceiling: 1.5 });
    if (!refused.admitted) expect(refused.after).toBeGreaterThan(refused.spent);
    expect(admit(slots, 16, tight).admitted).toBe(true);
  });

  it('an actor with more windows reaches the ceiling sooner', () => {
    expect(admit([], 0, { windowsPerActor: 1, actorEpsilon: 1 }).admitted).toBe(true);
    expect(admit([], 0, { windowsPerActor: 3, actorEpsilon: 1 }).admitted).toBe(false);
  });

  it('a debit that states more windows than the ceiling counts with its own', () => {
    const opened = appendRecord(null, 'opened', '2026-03-01T06:00:00.000Z', {});
    const debited = appendRecord(opened.head, 'debited', '2026-03-01T06:00:00.000Z', {
      roundId: 'r0',
      interval: slot(0),
      windowsPerActor: 6,
      event: encodeEvent(event),
    });
    const { records } = verifyLedger(opened.line + debited.line);
    const admission = admitRound(records, { interval: slot(1), event }, ceilings);
    expect(admission.admitted && admission.actorEpsilonAfter).toBeCloseTo(
      epsilonOf(gaussian(7.0318266757 / Math.sqrt(36 + 1)), { delta: 1e-5, accountant: 'rdp' }),
      9,
    );
  });

  it.each<[string, Partial<PrivacyCeilings>]>([
    ['delta', { delta: 0 }],
    ['windowEpsilon', { windowEpsilon: 0 }],
    ['actorEpsilon', { actorEpsilon: NaN }],
    ['horizonMs', { horizonMs: -1 }],
    ['windowsPerActor', { windowsPerActor: 25 }],
  ])('refuses a bad %s', (argument, change) => {
    expect(() => admit([], 0, change)).toThrow(InvalidArgumentError);
    expect(() => admit([], 0, change)).toThrow(argument);
  });

  it('refuses an interval that runs backwards', () => {
    expect(() => admitRound([], { interval: { fromMs: 5, toMs: 5 }, event }, ceilings)).toThrow(
      'interval',
    );
  });
});
