/**
 * What became of every line, so that a gateway that was killed goes on without submitting anything twice.
 *
 * `intents.jsonl`: one line *before* each envelope is sent, with its transaction id. `outcomes.jsonl`: one line when it is
 * known what became of the call. An intent without an outcome is looked up on the ledger by its id before anything else.
 * @module
 */
import { join } from 'node:path';
import { writeWhole } from '../store/durable-file.js';
import { openDurableLines, readLines, type DurableLines } from './durable-lines.js';

/** `resubmission`: after a release, with its grant. `probe`: the used grant once more, which must be refused. */
export type CallKind = 'call' | 'resubmission' | 'probe';

/** One thing to submit; `eventId` and `kind` name it within its hospital. */
export interface GatewayCall {
  readonly eventId: string;
  readonly kind: CallKind;
  readonly hospital: string;
  /** The hospital's pseudonym of the actor: names the certificate. */
  readonly actor: string;
  readonly function: string;
  /** Random handles, codes and digests only. */
  readonly args: readonly string[];
  /** The quarantine whose release is claimed. */
  readonly resubmissionOf: string | null;
}

/** What names a call: the same log line may be resubmitted after one release and after another. */
export type CallName = Pick<GatewayCall, 'hospital' | 'eventId' | 'kind' | 'resubmissionOf'>;

export interface Intent extends GatewayCall {
  readonly txId: string;
}

/** `denied`: a business rule said no, and that is on the ledger; `refused`: the chaincode would not run the call at all. */
export type OutcomeDisposition = 'allowed' | 'quarantined' | 'denied' | 'refused' | 'invalid';

export interface Outcome {
  readonly eventId: string;
  readonly kind: CallKind;
  readonly hospital: string;
  readonly function: string;
  /** null if the chaincode refused: then there is no transaction. */
  readonly txId: string | null;
  readonly disposition: OutcomeDisposition;
  readonly quarantineId: string | null;
  readonly resubmissionOf: string | null;
  /** Why: the reason of a denial, the contract's code of a refusal, the validation code of an invalid transaction. */
  readonly code: string | null;
  /** When it was known, by the gateway's clock. */
  readonly atMs: number;
}

export interface Journal {
  /** Keys of everything that has an outcome. */
  isDone(call: CallName): boolean;
  /** Intents without an outcome, grouped by call, the newest transaction id last. */
  readonly dangling: ReadonlyMap<string, readonly Intent[]>;
  /** The call that a quarantine of ours holds. */
  heldBy(quarantineId: string): GatewayCall | null;
  readonly probeCount: number;
  intend(intent: Intent): Promise<void>;
  record(outcome: Outcome, call: GatewayCall): Promise<void>;
  close(): Promise<void>;
}

export function keyOf(call: CallName): string {
  return `${call.hospital} ${call.kind} ${call.eventId} ${call.resubmissionOf ?? ''}`;
}

/** Fewer settled intents than this are not worth a new file. */
const SETTLED_INTENTS_MAX = 10_000;
/** Far more calls than a gateway has behind its checkpoint, and so may meet again after a restart. */
const OUTCOMES_MAX = 100_000;
/** A hold may be released for as long: a day to decide, thirty to appeal, and time for the second decision. */
const HELD_MS = 45 * 86_400_000;

/** Both files are made shorter here, once: a gateway that runs for months is started anew now and then. */
export async function openJournal(
  stateDir: string,
  o: {
    readonly nowMs: number;
    /** For tests, as the next one. */
    readonly settledMax?: number;
    readonly outcomesMax?: number;
  },
): Promise<Journal> {
  compactOutcomes(stateDir, o.outcomesMax ?? OUTCOMES_MAX, o.nowMs);
  compactIntents(stateDir, o.settledMax ?? SETTLED_INTENTS_MAX);
  const intents = await openDurableLines<Intent>(join(stateDir, 'intents.jsonl'));
  const outcomes = await openDurableLines<Outcome>(join(stateDir, 'outcomes.jsonl'));
  return new FileJournal({
    intentsFile: intents.file,
    outcomesFile: outcomes.file,
    intents: intents.lines,
    outcomes: outcomes.lines,
  });
}

/**
 * Keeps the newest outcomes, whose log lines may be read again, and of the older ones those whose quarantine may still be
 * released. What has an outcome no more has no intent either, or it would look like a call that was lost: so intents of
 * dropped outcomes go first.
 */
function compactOutcomes(stateDir: string, outcomesMax: number, nowMs: number): void {
  const file = join(stateDir, 'outcomes.jsonl');
  const outcomes = readLines<Outcome>(file);
  if (outcomes.length <= 2 * outcomesMax) return;
  const used = new Set(
    outcomes.filter(({ kind }) => kind === 'resubmission').map((each) => each.resubmissionOf),
  );
  const mayBeReleased = ({ quarantineId, atMs }: Outcome): boolean =>
    quarantineId !== null && !used.has(quarantineId) && nowMs - atMs <= HELD_MS;
  const older = outcomes.slice(0, -outcomesMax);
  const dropped = new Set(older.filter((each) => !mayBeReleased(each)).map(keyOf));
  rewrite(
    join(stateDir, 'intents.jsonl'),
    readLines<Intent>(join(stateDir, 'intents.jsonl')).filter((each) => !dropped.has(keyOf(each))),
  );
  rewrite(
    file,
    outcomes.filter((each) => !dropped.has(keyOf(each))),
  );
}

/**
 * Drops intents that nobody will ask for again: their outcome is known, and no quarantine of theirs may still be released.
 * An intent is the long line of the two (arguments).
 */
function compactIntents(stateDir: string, settledMax: number): void {
  const file = join(stateDir, 'intents.jsonl');
  const intents = readLines<Intent>(file);
  if (intents.length <= settledMax) return;
  const outcomes = readLines<Outcome>(join(stateDir, 'outcomes.jsonl'));
  const done = new Set(outcomes.map(keyOf));
  const held = new Set(
    outcomes.filter(({ quarantineId }) => quarantineId !== null).map(({ txId }) => txId),
  );
  // An earlier attempt of a call whose later one has the outcome is done with it.
  const kept = intents.filter((intent) => held.has(intent.txId) || !done.has(keyOf(intent)));
  if (intents.length - kept.length <= settledMax) return;
  rewrite(file, kept);
}

/** The new file takes the old one's place in one step. */
function rewrite(file: string, lines: readonly object[]): void {
  writeWhole(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

class FileJournal implements Journal {
  readonly dangling: ReadonlyMap<string, readonly Intent[]>;
  probeCount = 0;
  readonly #intentsFile: DurableLines;
  readonly #outcomesFile: DurableLines;
  readonly #done = new Set<string>();
  readonly #held = new Map<string, GatewayCall>();

  constructor(o: {
    readonly intentsFile: DurableLines;
    readonly outcomesFile: DurableLines;
    readonly intents: readonly Intent[];
    readonly outcomes: readonly Outcome[];
  }) {
    this.#intentsFile = o.intentsFile;
    this.#outcomesFile = o.outcomesFile;
    const byTxId = new Map(o.intents.map((intent) => [intent.txId, intent]));
    for (const outcome of o.outcomes) {
      const intent = outcome.txId === null ? undefined : byTxId.get(outcome.txId);
      this.#note(outcome, intent ?? null);
    }
    const dangling = new Map<string, Intent[]>();
    for (const intent of o.intents) {
      const key = keyOf(intent);
      if (this.#done.has(key)) continue;
      dangling.set(key, [...(dangling.get(key) ?? []), intent]);
    }
    this.dangling = dangling;
  }

  isDone(call: CallName): boolean {
    return this.#done.has(keyOf(call));
  }

  heldBy(quarantineId: string): GatewayCall | null {
    return this.#held.get(quarantineId) ?? null;
  }

  intend(intent: Intent): Promise<void> {
    return this.#intentsFile.append(intent);
  }

  async record(outcome: Outcome, call: GatewayCall): Promise<void> {
    await this.#outcomesFile.append(outcome);
    this.#note(outcome, call);
  }

  async close(): Promise<void> {
    await this.#intentsFile.close();
    await this.#outcomesFile.close();
  }

  #note(outcome: Outcome, call: GatewayCall | null): void {
    this.#done.add(keyOf(outcome));
    if (outcome.kind === 'probe') this.probeCount += 1;
    if (outcome.quarantineId !== null && call !== null) {
      this.#held.set(outcome.quarantineId, call);
    }
  }
}
