import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussianEpsilon } from '../src/accounting/gaussian.js';
import { LedgerRecordError, PrivacyLedgerError } from '../src/errors.js';
import { encodeEvent } from '../src/event-codec.js';
import {
  LEDGER_GENESIS,
  appendRecord,
  verifyLedger,
  type LedgerHead,
  type LedgerKind,
} from '../src/privacy-ledger.js';
import { spentSoFar } from '../src/spent-so-far.js';

const AT = '2026-03-01T06:00:00.000Z';
const HOUR = 3_600_000;

function ledger(entries: readonly (readonly [LedgerKind, Record<string, unknown>])[]): string {
  let head: LedgerHead | null = null;
  let text = '';
  for (const [kind, body] of [['opened', { nodeId: 'H1' }] as const, ...entries]) {
    const next = appendRecord(head, kind, AT, body as never);
    text += next.line;
    head = next.head;
  }
  return text;
}

function debit(
  round: number,
  noiseMultiplier = 7.0318266756,
): readonly [LedgerKind, Record<string, unknown>] {
  return [
    'debited',
    {
      roundId: `r${round}`,
      interval: { fromMs: round * 6 * HOUR, toMs: (round + 1) * 6 * HOUR },
      event: encodeEvent({ kind: 'gaussian', noiseMultiplier }),
    },
  ];
}

function corruption(text: string): PrivacyLedgerError {
  try {
    verifyLedger(text);
  } catch (error) {
    if (error instanceof PrivacyLedgerError) return error;
    throw error;
  }
  throw new Error('verified');
}

describe('privacy ledger', () => {
  it('reads back what was appended, and its head', () => {
    const text = ledger([debit(1), ['released', { digest: 'aa' }], ['sent', {}]]);
    const { records, head } = verifyLedger(text);
    expect(records.map((record) => record.kind)).toEqual(['opened', 'debited', 'released', 'sent']);
    expect(records[0]!.prev).toBe(LEDGER_GENESIS);
    expect(head).toEqual({ seq: 3, hash: records[3]!.hash });
    expect(text.split('\n').length).toBe(5);
  });

  it('an empty ledger has no head', () => {
    expect(verifyLedger('')).toEqual({ records: [], head: null });
  });

  it('a prefix of whole lines verifies: only the published head can show that it is short', () => {
    const text = ledger([debit(1), debit(2)]);
    const cut = text.slice(0, text.indexOf('\n') + 1);
    expect(verifyLedger(cut).head).toEqual({ seq: 0, hash: verifyLedger(text).records[0]!.hash });
  });

  it('refuses a torn last line, with its position', () => {
    const text = ledger([debit(1)]);
    const error = corruption(text.slice(0, -5));
    expect(error).toMatchObject({ line: 2, byteOffset: text.indexOf('\n') + 1 });
    expect(error.reason).toMatch(/cut off/);
  });

  it('refuses any changed byte, at or before its line (property)', () => {
    const text = ledger([debit(1), ['sent', { note: 'naïve – ok' }], debit(2)]);
    const lineOf = (index: number): number => text.slice(0, index).split('\n').length;
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (index, code) => {
        const changed = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1);
        if (changed === text) return;
        expect(corruption(changed).line).toBeLessThanOrEqual(lineOf(index));
      }),
      { numRuns: 400 },
    );
  });

  it('counts bytes, not characters', () => {
    const text = ledger([
      ['sent', { note: 'ééé' }],
      ['settled', {}],
    ]);
    const broken = text.replace('"settled"', '"settlex"');
    const before = text.split('\n').slice(0, 2).join('\n') + '\n';
    expect(corruption(broken)).toMatchObject({ line: 3, byteOffset: Buffer.byteLength(before) });
  });

  it.each([
    ['a line taken out', (lines: string[]) => lines.filter((_, i) => i !== 1), 2],
    ['two lines swapped', (lines: string[]) => [lines[0]!, lines[2]!, lines[1]!], 2],
    ['a line doubled', (lines: string[]) => [lines[0]!, lines[1]!, lines[1]!, lines[2]!], 3],
    ['another first record', (lines: string[]) => lines.slice(1), 1],
  ])('refuses %s', (_, change, line) => {
    const lines = ledger([debit(1), debit(2)])
      .trimEnd()
      .split('\n');
    expect(corruption(`${change(lines).join('\n')}\n`).line).toBe(line);
  });

  it('a record rewritten with a fresh hash breaks the link after it', () => {
    const lines = ledger([debit(1), debit(2)])
      .trimEnd()
      .split('\n');
    const { records } = verifyLedger(ledger([debit(1)]));
    const forged = appendRecord({ seq: 0, hash: records[0]!.hash }, 'debited', AT, {
      roundId: 'forged',
    });
    const error = corruption(`${[lines[0], forged.line.trimEnd(), lines[2]].join('\n')}\n`);
    expect(error.line).toBe(3);
    expect(error.reason).toMatch(/prev/);
  });

  it.each([
    ['an unknown kind', 'refunded', AT, {}],
    ['a local time', 'debited', '2026-03-01 06:00', {}],
    ['an impossible date', 'debited', '2026-13-01T06:00:00.000Z', {}],
    ['a float in the body', 'debited', AT, { epsilon: 0.5 }],
    ['a second opening', 'opened', AT, {}],
  ])('does not append %s', (_, kind, at, body) => {
    const { head } = appendRecord(null, 'opened', AT, {});
    expect(() => appendRecord(head, kind as LedgerKind, at, body)).toThrow(LedgerRecordError);
  });

  it('must be opened first', () => {
    expect(() => appendRecord(null, 'debited', AT, {})).toThrow(LedgerRecordError);
  });
});

describe('spent so far', () => {
  const delta = 1e-5;
  const spent = (text: string, windowsPerActor?: number): ReturnType<typeof spentSoFar> =>
    spentSoFar(verifyLedger(text).records, { delta, windowsPerActor });
  const stating = (
    round: number,
    facts: Record<string, unknown>,
  ): readonly [LedgerKind, Record<string, unknown>] => {
    const [kind, body] = debit(round);
    return [kind, { ...body, ...facts }];
  };

  it('is nothing before the first debit', () => {
    expect(spent(ledger([]))).toEqual({
      windowEpsilon: 0,
      actorEpsilon: 0,
      actorInterval: { lower: 0, upper: 0 },
      rounds: 0,
      delta,
      windowsPerActor: 1,
    });
  });

  it('takes δ and the windows of an actor from the debits, each round its own, the strictest δ', () => {
    const { records } = verifyLedger(
      ledger([
        stating(1, { windowsPerActor: 6, deltaExponent: 5 }),
        stating(2, { windowsPerActor: 2, deltaExponent: 6 }),
      ]),
    );
    const found = spentSoFar(records);
    expect(found).toMatchObject({ delta: 1e-6, windowsPerActor: 6, rounds: 2 });
    // Gaussians of 6 and of 2 windows: 1/s² adds up.
    expect(found.actorEpsilon).toBeCloseTo(
      gaussianEpsilon(7.0318266756 / Math.sqrt(36 + 4), 1e-6),
      9,
    );
    expect(found.windowEpsilon).toBeCloseTo(gaussianEpsilon(7.0318266756, 1e-6), 9);
    // What is asked for goes before what is stated.
    expect(spentSoFar(records, { delta, windowsPerActor: 1 }).actorEpsilon).toBeCloseTo(
      gaussianEpsilon(7.0318266756 / Math.SQRT2, delta),
      9,
    );
  });

  it.each([
    ['windowsPerActor', 0],
    ['windowsPerActor', 25],
    ['windowsPerActor', '6'],
    ['deltaExponent', 0],
    ['deltaExponent', '5'],
  ])('refuses a debit whose %s is %j', (field, value) => {
    expect(() => spent(ledger([stating(1, { [field]: value })]))).toThrow(LedgerRecordError);
  });

  it('composes rounds for the actor and not for the window; ε is never added up', () => {
    const { windowEpsilon, actorEpsilon, rounds } = spent(
      ledger([debit(1), debit(2), debit(3), debit(4)]),
    );
    expect(rounds).toBe(4);
    expect(windowEpsilon).toBeCloseTo(0.5, 9);
    expect(actorEpsilon).toBeCloseTo(gaussianEpsilon(7.0318266756 / 2, delta), 9);
    expect(actorEpsilon).toBeLessThan(4 * 0.5);
  });

  it('composes debits on the same windows', () => {
    expect(spent(ledger([debit(1), debit(1)])).windowEpsilon).toBeCloseTo(
      gaussianEpsilon(7.0318266756 / Math.SQRT2, delta),
      9,
    );
  });

  it('counts an abandoned round as spent', () => {
    const abandoned = ledger([debit(1), ['abandoned', { roundId: 'r1' }]]);
    expect(spent(abandoned).windowEpsilon).toBeCloseTo(0.5, 9);
  });

  it('costs an actor with three windows as a group of three', () => {
    expect(spent(ledger([debit(1)]), 3).actorEpsilon).toBeCloseTo(
      gaussianEpsilon(7.0318266756 / 3, delta),
      9,
    );
  });

  it('refuses a debit without an interval', () => {
    expect(() => spent(ledger([['debited', { roundId: 'x', event: { kind: 'no-op' } }]]))).toThrow(
      LedgerRecordError,
    );
  });

  it('refuses a debit under another relation: its number is no actor number, and adds to none', () => {
    const [kind, body] = debit(1);
    const under = (adjacency: unknown): string => ledger([[kind, { ...body, adjacency }]]);
    for (const adjacency of ['replace-one', 'none', 1]) {
      expect(() => spent(under(adjacency))).toThrow(LedgerRecordError);
    }
    for (const adjacency of ['add-or-remove-one', 'zero-out']) {
      expect(spent(under(adjacency)).windowEpsilon).toBeCloseTo(0.5, 9);
    }
  });

  it('grows with every debit and never falls (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), (rounds) => {
        let last = 0;
        for (let i = 1; i <= rounds.length; i++) {
          const now = spent(ledger(rounds.slice(0, i).map((round) => debit(round)))).actorEpsilon;
          expect(now).toBeGreaterThan(last);
          last = now;
        }
      }),
      { numRuns: 20 },
    );
  });
});
