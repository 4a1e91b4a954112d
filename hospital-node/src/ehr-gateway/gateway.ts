/**
 * The EHR gateway: what stands between a hospital's records and the ledger. Each line of an access log becomes a call,
 * signed by its own actor; a released call is made again with its grant.
 *
 * An actor's calls go one after the other, since each of them reads what the one before wrote; actors go in parallel.
 * @module
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeAccessEvent,
  decodeCallContext,
  encodeCallContext,
  FeatureError,
  intentFromEvent,
  type AccessEvent,
  type LedgerNames,
} from '@bhschain/models/features';
import type { Logger } from 'pino';
import { followFile } from '../access-log/followed-file.js';
import type { LogLine, LogPosition, LogSource } from '../access-log/log-source.js';
import { AccessLogError } from '../errors.js';
import { runBlockStream } from '../fabric/block-stream.js';
import { sleep, type RandomUnit } from '../fabric/backoff.js';
import type { FabricConnection } from '../fabric/connection.js';
import { openActorIdentities, type ActorIdentities } from './actor-identities.js';
import type { EhrGatewayConfig, EhrHospital } from './config.js';
import { openJournal, type GatewayCall, type Journal, type Outcome } from './journal.js';
import { createLanes, type Lanes } from './lanes.js';
import { openPrivateNames, type PrivateNames } from './private-names.js';
import { releasesIn } from './release-watch.js';
import { createSubmitter, type Submitter } from './submitter.js';
import { createWatermark, type Watermark } from './watermark.js';

export interface EhrGatewayOptions {
  readonly config: EhrGatewayConfig;
  readonly fabric: FabricConnection;
  readonly now: () => number;
  readonly random: RandomUnit;
  readonly log?: Logger;
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Each time every log was read to its end and every call has its outcome. */
  readonly onCaughtUp?: (counts: GatewayCounts) => void;
}

export interface GatewayCounts {
  readonly lines: number;
  /** Before `liveFromMs`. */
  readonly history: number;
  /** Sound events that ask nothing of the ledger. */
  readonly unmapped: number;
  readonly malformed: number;
  readonly withoutIdentity: number;
  readonly allowed: number;
  readonly quarantined: number;
  readonly denied: number;
  readonly refused: number;
  readonly invalid: number;
  readonly resubmitted: number;
  readonly probed: number;
  readonly pending: number;
}

export interface EhrGateway {
  /** Resolves when the signal aborts and what was under way has ended. */
  run(signal: AbortSignal): Promise<void>;
  counts(): GatewayCounts;
  close(): Promise<void>;
}

interface Checkpoint {
  readonly nextBlock: string;
  readonly logs: Readonly<Record<string, LogPosition>>;
}

/** Lines taken from a log before their calls have ended; more would only wait in memory. */
const AHEAD_MAX = 400;
const CHECKPOINT_MS = 1_000;
const MALFORMED_SHARE_MAX = 0.01;
const MALFORMED_FROM_LINES = 1_000;

export async function openEhrGateway(options: EhrGatewayOptions): Promise<EhrGateway> {
  const { stateDir } = options.config;
  return new Gateway(options, {
    journal: await openJournal(stateDir, { nowMs: options.now() }),
    names: await openPrivateNames(stateDir),
    checkpoint: readCheckpoint(join(stateDir, 'checkpoint.json')),
  });
}

interface Reading {
  readonly hospital: EhrHospital;
  readonly names: LedgerNames;
  readonly identities: ActorIdentities;
  readonly watermark: Watermark<LogPosition | null>;
  atEnd: boolean;
}

type Counted = { -readonly [K in keyof Omit<GatewayCounts, 'pending'>]: number };

class Gateway implements EhrGateway {
  readonly #o: EhrGatewayOptions;
  readonly #journal: Journal;
  readonly #names: PrivateNames;
  readonly #readings: readonly Reading[];
  readonly #blocks: Watermark<bigint>;
  readonly #lanes: Lanes;
  readonly #submitter: Submitter;
  readonly #begun = new Set<string>();
  readonly #counted: Counted = {
    lines: 0,
    history: 0,
    unmapped: 0,
    malformed: 0,
    withoutIdentity: 0,
    allowed: 0,
    quarantined: 0,
    denied: 0,
    refused: 0,
    invalid: 0,
    resubmitted: 0,
    probed: 0,
  };
  #nextBlock: bigint;
  #probes: number;
  #announced = '';

  constructor(
    options: EhrGatewayOptions,
    parts: {
      readonly journal: Journal;
      readonly names: PrivateNames;
      readonly checkpoint: Checkpoint;
    },
  ) {
    const { config } = options;
    this.#o = options;
    this.#journal = parts.journal;
    this.#names = parts.names;
    this.#probes = parts.journal.probeCount;
    this.#readings = config.hospitals.map((hospital) => ({
      hospital,
      names: parts.names.of(hospital.nodeId),
      identities: openActorIdentities(hospital),
      watermark: createWatermark<LogPosition | null>(
        parts.checkpoint.logs[hospital.nodeId] ?? null,
      ),
      atEnd: false,
    }));
    this.#nextBlock = BigInt(parts.checkpoint.nextBlock);
    this.#blocks = createWatermark(this.#nextBlock);
    this.#lanes = createLanes(config.inFlightMax);
    this.#submitter = createSubmitter({
      fabric: options.fabric,
      journal: parts.journal,
      identityOf: (hospital, pseudonym) =>
        this.#readings
          .find((reading) => reading.hospital.nodeId === hospital)!
          .identities.identityOf(pseudonym),
      settled: () => parts.names.settled(),
      resumePatienceMs: config.resumePatienceMs,
      now: options.now,
      random: options.random,
      ...(options.log === undefined ? {} : { log: options.log }),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    const parts = [
      ...this.#readings.map((reading) => this.#follow(reading, both)),
      this.#watchReleases(both),
      this.#keepCheckpoint(both),
    ].map((part) =>
      part.catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    );
    const results = await Promise.allSettled(parts);
    await this.#lanes.idle();
    this.#writeCheckpoint();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  counts(): GatewayCounts {
    return { ...this.#counted, pending: this.#lanes.openCount };
  }

  async close(): Promise<void> {
    await this.#journal.close();
    await this.#names.close();
  }

  async #follow(reading: Reading, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    const source: LogSource = await followFile(reading.hospital.log, reading.watermark.place);
    try {
      while (!over()) {
        const lines = await source.read();
        reading.atEnd = lines.length === 0;
        if (reading.atEnd) {
          this.#announceIfCaughtUp();
          await sleep(this.#o.config.pollMs, signal);
        }
        for (const line of lines) {
          this.#take(reading, line, signal);
          while (reading.watermark.openCount >= AHEAD_MAX && !over()) {
            await sleep(20, signal);
          }
          if (over()) return;
        }
      }
    } finally {
      await source.close();
    }
  }

  #take(reading: Reading, line: LogLine, signal: AbortSignal): void {
    const done = reading.watermark.begin(line.next);
    this.#counted.lines += 1;
    const call = this.#callOf(reading, line);
    if (call === null) {
      done();
      return;
    }
    this.#enqueue(call, signal, done);
  }

  /** null, and counted, where a line asks nothing of the ledger (or asks it again). */
  #callOf(reading: Reading, line: LogLine): GatewayCall | null {
    const { hospital, names, identities } = reading;
    const event = this.#eventOf(line);
    if (event === null) return null;
    if (event.timeMs < this.#o.config.liveFromMs) return this.#skip('history');
    const intent = intentFromEvent(event, names);
    if (intent === null) return this.#skip('unmapped');
    const actor = identities.pseudonymOf(event.actor);
    if (actor === null) return this.#skip('withoutIdentity');
    const begun = `${hospital.nodeId} ${event.eventId}`;
    if (this.#begun.has(begun)) return null;
    this.#begun.add(begun);
    const call: GatewayCall = {
      eventId: event.eventId,
      kind: 'call',
      hospital: hospital.nodeId,
      actor,
      function: intent.functionName,
      args: this.#o.config.replay ? intent.args : withoutClaimedTime(intent.args),
      resubmissionOf: null,
    };
    return this.#journal.isDone(call) ? null : call;
  }

  #eventOf(line: LogLine): AccessEvent | null {
    if ('fault' in line) return this.#malformed(line);
    if (line.text.trim() === '') return null;
    try {
      return decodeAccessEvent(JSON.parse(line.text));
    } catch (error) {
      if (!(error instanceof FeatureError || error instanceof SyntaxError)) throw error;
      this.#o.log?.warn({ line: line.at.line }, 'access log line skipped');
      return this.#malformed(line);
    }
  }

  /** @throws {AccessLogError} `ERR_LOG_MALFORMED` once more than one in a hundred of at least a thousand lines is */
  #malformed(line: LogLine): null {
    this.#skip('malformed');
    const { lines, malformed } = this.#counted;
    if (lines >= MALFORMED_FROM_LINES && malformed > lines * MALFORMED_SHARE_MAX) {
      throw new AccessLogError(
        'ERR_LOG_MALFORMED',
        `${malformed} of ${lines} log lines are malformed, the last is line ${line.at.line}`,
        { malformed, lines, line: line.at.line },
      );
    }
    return null;
  }

  #skip(reason: 'history' | 'unmapped' | 'malformed' | 'withoutIdentity'): null {
    this.#counted[reason] += 1;
    return null;
  }

  #enqueue(call: GatewayCall, signal: AbortSignal, done: () => void): void {
    void this.#lanes.add(`${call.hospital} ${call.actor}`, async () => {
      try {
        const outcome = await this.#submitter.submit(call, signal);
        if (outcome !== null) this.#note(outcome);
        if (outcome !== null || this.#journal.isDone(call)) done();
      } catch (error) {
        // Not the network's and not the chaincode's: the call stays undone, and a restart tries it again.
        this.#o.log?.error(
          { code: (error as { code?: unknown }).code, function: call.function },
          'call failed in an unforeseen way',
        );
      }
      this.#announceIfCaughtUp();
    });
  }

  #note(outcome: Outcome): void {
    this.#counted[outcome.disposition] += 1;
    if (outcome.kind === 'resubmission') this.#counted.resubmitted += 1;
    if (outcome.kind === 'probe') this.#counted.probed += 1;
    this.#o.onOutcome?.(outcome);
  }

  #watchReleases(signal: AbortSignal): Promise<void> {
    return runBlockStream(
      {
        connection: this.#o.fabric,
        nextBlock: () => this.#nextBlock,
        take: (block) => {
          const next = BigInt(block.getHeader()?.getNumber() ?? 0) + 1n;
          const done = this.#blocks.begin(next);
          const releases = releasesIn(block).filter(({ expiresMs }) => expiresMs > this.#o.now());
          void Promise.all(
            releases.map(({ quarantineId }) => this.#resubmit(quarantineId, signal)),
          ).then((all) => {
            if (all.every(Boolean)) done();
          });
          this.#nextBlock = next;
          return Promise.resolve();
        },
        random: this.#o.random,
        onInterrupt: (error) => {
          this.#o.log?.warn(
            { code: (error as { code?: unknown }).code },
            'block stream interrupted',
          );
        },
      },
      signal,
    );
  }

  /** Makes a released call again, then (as configured) once too often. True if nothing is left to do. */
  async #resubmit(quarantineId: string, signal: AbortSignal): Promise<boolean> {
    const held = await this.#heldBy(quarantineId, signal);
    if (signal.aborted) return false;
    // A hold of another client, or of our own probe: a probe is never made good.
    if (held === null || held.kind === 'probe') return true;
    const call: GatewayCall = {
      ...held,
      kind: 'resubmission',
      args: withGrant(held.args, quarantineId),
      resubmissionOf: quarantineId,
    };
    const { replayProbe } = this.#o.config;
    const wanted = replayProbe === 'all' || (replayProbe === 'first' && this.#probes === 0);
    if (wanted) this.#probes += 1;
    const calls = wanted ? [call, { ...call, kind: 'probe' as const }] : [call];
    await Promise.all(
      calls
        .filter((each) => !this.#journal.isDone(each))
        .map(
          (each) =>
            new Promise<void>((resolve) => {
              this.#enqueue(each, signal, resolve);
              signal.addEventListener('abort', () => {
                resolve();
              });
            }),
        ),
    );
    return calls.every((each) => this.#journal.isDone(each));
  }

  /** After a crash a hold of ours may be known only once its line was read again; so wait for those lines. */
  async #heldBy(quarantineId: string, signal: AbortSignal): Promise<GatewayCall | null> {
    const settled = (): boolean =>
      this.#journal.dangling.size === 0 ||
      (this.#lanes.openCount === 0 && this.#readings.every((reading) => reading.atEnd));
    for (;;) {
      const held = this.#journal.heldBy(quarantineId);
      if (held !== null || settled() || signal.aborted) return held;
      await sleep(this.#o.config.pollMs, signal);
    }
  }

  #announceIfCaughtUp(): void {
    if (this.#lanes.openCount > 1 || !this.#readings.every((reading) => reading.atEnd)) return;
    // The task that announces may still be counted as open itself.
    setImmediate(() => {
      const counts = this.counts();
      const text = JSON.stringify(counts);
      if (counts.pending > 0 || text === this.#announced) return;
      this.#announced = text;
      this.#o.onCaughtUp?.(counts);
    });
  }

  async #keepCheckpoint(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(CHECKPOINT_MS, signal);
      this.#writeCheckpoint();
    }
  }

  #writeCheckpoint(): void {
    const logs: Record<string, LogPosition> = {};
    for (const { hospital, watermark } of this.#readings) {
      if (watermark.place !== null) logs[hospital.nodeId] = watermark.place;
    }
    const checkpoint: Checkpoint = { nextBlock: this.#blocks.place.toString(), logs };
    const path = join(this.#o.config.stateDir, 'checkpoint.json');
    writeFileSync(`${path}.new`, JSON.stringify(checkpoint), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/**
 * A checkpoint only saves reading: what it lets us skip is in the journal anyway. So an unreadable one is as good as
 * none.
 */
function readCheckpoint(path: string): Checkpoint {
  const none: Checkpoint = { nextBlock: '0', logs: {} };
  if (!existsSync(path)) return none;
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Checkpoint;
    return /^\d+$/.test(read.nextBlock) && typeof read.logs === 'object' ? read : none;
  } catch {
    return none;
  }
}

function withGrant(args: readonly string[], grant: string): readonly string[] {
  const context = decodeCallContext(args.at(-1) ?? '');
  return [...args.slice(0, -1), encodeCallContext({ ...context, grant })];
}

/** Outside a replay the proposal's own time counts, and the chaincode refuses any other. */
function withoutClaimedTime(args: readonly string[]): readonly string[] {
  const { action } = decodeCallContext(args.at(-1) ?? '');
  return [...args.slice(0, -1), encodeCallContext({ action })];
}
