/**
 * Looks at every proposed detector once, in order, and says yes by transaction or no with a reason. What cannot be
 * decided for lack of evidence is tried again; what is refused stays refused.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { Logger } from 'pino';
import { codeOf, DetectorRefusedError } from '../errors.js';
import type { NodeDatabase } from '../store/index.js';
import { inSpan } from '../tracing.js';
import { checkDetector, type CheckContext } from './detector-check.js';
import type { DetectorRegistry, RegistryEntry } from './detector-registry.js';

export interface AttestorOptions {
  readonly registry: DetectorRegistry;
  readonly database: NodeDatabase;
  readonly mspId: string;
  readonly context: () => Omit<CheckContext, 'predecessor'>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onVerdict?: (verdict: DetectorVerdict) => void;
  readonly log: Logger;
}

export interface DetectorVerdict {
  readonly version: number;
  readonly modelHash: string;
  readonly verdict: 'attested' | 'refused';
  readonly code: string | null;
  readonly reason: string | null;
}

export interface Attestor {
  /** Something about detectors was committed: look soon. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
  /** Newest first. */
  verdicts(): Promise<readonly DetectorVerdict[]>;
}

/** A poke may be missed while the channel is away. */
const LOOK_EVERY_MS = 15_000;
const RETRY_MS = 2_000;

export function createAttestor(options: AttestorOptions): Attestor {
  return new SequentialAttestor(options);
}

class SequentialAttestor implements Attestor {
  readonly #o: AttestorOptions;
  #wake = new AbortController();

  constructor(options: AttestorOptions) {
    this.#o = options;
  }

  poke(): void {
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let waitMs = LOOK_EVERY_MS;
      try {
        await this.#catchUp(signal);
      } catch (error) {
        this.#o.log.warn({ code: codeOf(error), err: error }, 'detector not decided yet');
        waitMs = RETRY_MS;
      }
      // A poke during the look has aborted the new signal already, and the sleep ends at once.
      await this.#o
        .sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]))
        .catch(() => undefined);
    }
  }

  async verdicts(): Promise<readonly DetectorVerdict[]> {
    const rows = await this.#o.database
      .selectFrom('attestation')
      .selectAll()
      .orderBy('version', 'desc')
      .limit(20)
      .execute();
    return rows.map((row) => ({
      version: row.version,
      modelHash: row.model_hash,
      verdict: row.verdict,
      code: row.code,
      reason: row.reason,
    }));
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { registry } = this.#o;
    const newest = (await this.verdicts())[0];
    for (let version = (newest?.version ?? -1) + 1; !signal.aborted; version++) {
      const entry = await registry.entry(version);
      if (entry === null) return;
      await inSpan('attest', { version }, () => this.#decide(entry));
    }
  }

  async #decide(entry: RegistryEntry): Promise<void> {
    const { version, modelHash } = entry;
    const { log } = this.#o;
    if (entry.state !== 'proposed') {
      // The others have decided without us; there is nothing left to say.
      await this.#record({
        version,
        modelHash,
        verdict: 'refused',
        code: 'ERR_DETECTOR_DECIDED',
        reason: `already ${entry.state} when this node looked`,
      });
      return;
    }
    try {
      const codeHash = await this.#check(entry);
      const txId = entry.attestations.some((each) => each.mspId === this.#o.mspId)
        ? null
        : await this.#o.registry.attest(entry, codeHash);
      log.info({ version, txId }, 'detector attested');
      await this.#record({ version, modelHash, verdict: 'attested', code: null, reason: null });
    } catch (error) {
      if (!(error instanceof DetectorRefusedError)) throw error;
      log.error({ version, code: error.code, facts: error.facts }, 'detector refused');
      await this.#record({
        version,
        modelHash,
        verdict: 'refused',
        code: error.code,
        reason: error.message,
      });
    }
  }

  /** @returns the digest of the canaries' scores: equal in all hospitals whose code gives equal bits */
  async #check(entry: RegistryEntry): Promise<string> {
    const { registry } = this.#o;
    const before = entry.version === 0 ? null : await registry.entry(entry.version - 1);
    const report = await checkDetector(await registry.fetch(entry), {
      ...this.#o.context(),
      predecessor: before === null ? null : await registry.fetch(before),
    });
    return sha256Hex(report.scoreBytes);
  }

  async #record(verdict: DetectorVerdict): Promise<void> {
    await this.#o.database
      .insertInto('attestation')
      .values({
        version: verdict.version,
        model_hash: verdict.modelHash,
        verdict: verdict.verdict,
        code: verdict.code,
        reason: verdict.reason,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    this.#o.onVerdict?.(verdict);
  }
}
