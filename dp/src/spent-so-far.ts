/**
 * What the rounds of a privacy ledger cost, recomputed from their events.
 * @module
 */
import { requireDelta, requireInteger } from './argument-checks.js';
import { epsilonOf } from './accounting/epsilon.js';
import { LedgerRecordError } from './errors.js';
import { decodeEvent } from './event-codec.js';
import { groupEvent } from './group-event.js';
import type { PrivacyEvent } from './privacy-event.js';
import type { LedgerRecord } from './privacy-ledger.js';

/** What a `debited` record says about its round. */
export interface Debit {
  readonly seq: number;
  readonly roundId: string;
  readonly interval: { readonly fromMs: number; readonly toMs: number };
  readonly event: PrivacyEvent;
}

/**
 * The debits of a verified ledger. Every debit counts, whatever came after: a round that was abandoned is spent.
 * @throws {LedgerRecordError} `ERR_DP_LEDGER_RECORD` for a debit without round, interval or event, or of another relation
 *   than plans have
 */
export function debitsOf(records: readonly LedgerRecord[]): Debit[] {
  return records
    .filter((record) => record.kind === 'debited')
    .map((record): Debit => {
      const { roundId, interval, event, adjacency = 'add-or-remove-one' } = record.body;
      const range = interval as { fromMs?: unknown; toMs?: unknown } | null | undefined;
      const fromMs = range?.fromMs;
      const toMs = range?.toMs;
      if (
        (typeof roundId !== 'string' && (typeof roundId !== 'object' || roundId === null)) ||
        typeof fromMs !== 'number' ||
        typeof toMs !== 'number' ||
        fromMs >= toMs
      ) {
        throw new LedgerRecordError(
          `debit ${record.seq}: expected roundId and interval {fromMs < toMs}`,
        );
      }
      // Where a record is replaced, ε is another number, which does not compose with these.
      if (adjacency !== 'add-or-remove-one' && adjacency !== 'zero-out') {
        throw new LedgerRecordError(
          `debit ${record.seq}: expected adjacency add-or-remove-one or zero-out, got ${JSON.stringify(adjacency)}`,
        );
      }
      return {
        seq: record.seq,
        roundId: typeof roundId === 'string' ? roundId : JSON.stringify(roundId),
        interval: { fromMs, toMs },
        event: decodeEvent(event),
      };
    });
}

/**
 * ε so far.
 *
 * - A **window** lies in one interval. Rounds on disjoint intervals compose in parallel, so the window's ε is the
 *   largest over intervals; debits whose intervals overlap are composed.
 * - An **actor** may be in every round, with up to `windowsPerActor` windows: all debits are composed.
 *
 * Both are PLD values and take the plans as fixed beforehand.
 *
 * @param o.windowsPerActor - k, 1 … 24
 * @throws {InvalidArgumentError | LedgerRecordError | EventFormatError}
 */
export function spentSoFar(
  records: readonly LedgerRecord[],
  o: Readonly<{ delta: number; windowsPerActor: number }>,
): { windowEpsilon: number; actorEpsilon: number; rounds: number } {
  requireDelta('delta', o.delta);
  requireInteger('windowsPerActor', o.windowsPerActor, { min: 1, max: 24 });
  const debits = debitsOf(records);
  const known = new Map<string, number>();
  const epsilon = (events: readonly PrivacyEvent[]): number => {
    const event: PrivacyEvent = { kind: 'composed', events };
    const key = JSON.stringify(event);
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = epsilonOf(event, { delta: o.delta })));
    return value;
  };
  let windowEpsilon = 0;
  for (const events of overlapGroups(debits)) {
    windowEpsilon = Math.max(windowEpsilon, epsilon(events));
  }
  const actorEpsilon =
    debits.length === 0
      ? 0
      : epsilon(debits.map((debit) => groupEvent(debit.event, o.windowsPerActor)));
  return { windowEpsilon, actorEpsilon, rounds: debits.length };
}

/** Debits whose intervals touch the same time, chained: an over-estimate for chains, exact for equal intervals. */
function overlapGroups(debits: readonly Debit[]): PrivacyEvent[][] {
  const sorted = [...debits].sort((a, b) => a.interval.fromMs - b.interval.fromMs);
  const groups: PrivacyEvent[][] = [];
  let end = -Infinity;
  for (const debit of sorted) {
    if (debit.interval.fromMs >= end) groups.push([]);
    groups.at(-1)!.push(debit.event);
    end = Math.max(end, debit.interval.toMs);
  }
  return groups;
}
