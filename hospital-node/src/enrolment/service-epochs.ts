/**
 * Closes the epochs of the hospital's service accounts on the channel: on a schedule, and earlier where many rows have come.
 * From its first fold on, an account's calls write rows of their own and do not collide; nobody may leave an epoch open for
 * longer than two hours, or its calls are held. Design: fabric §4.2.
 * @module
 */
import type { Logger } from 'pino';
import { codeOf } from '../errors.js';
import type { FollowedBlock } from '../fabric/block-follower.js';
import type { FabricConnection } from '../fabric/connection.js';

export interface ServiceEpochs {
  /** Counts rows. Call after each block. */
  note(block: FollowedBlock): void;
  /** Folds what is due; a fold that fails is due again. */
  look(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export interface ServiceEpochOptions {
  readonly fabric: Pick<FabricConnection, 'submit'>;
  /** Ledger ids of the service accounts. */
  readonly actors: readonly string[];
  readonly everyMs: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/** So many rows are folded at once, whatever the hour. */
export const EPOCH_ROWS_MAX = 1_000;
const LOOK_EVERY_MS = 10_000;

export function createServiceEpochs(options: ServiceEpochOptions): ServiceEpochs {
  const { fabric, actors, everyMs, nowMs, log } = options;
  const rows = new Map<string, number>();
  const dueAtMs = new Map(actors.map((actor) => [actor, 0]));
  const isDue = (actor: string): boolean =>
    nowMs() >= dueAtMs.get(actor)! || (rows.get(actor) ?? 0) >= EPOCH_ROWS_MAX;
  const look = async (): Promise<void> => {
    for (const actor of actors.filter(isDue)) {
      const counted = rows.get(actor) ?? 0;
      try {
        await fabric.submit('FederationContract:foldEpoch', [actor]);
      } catch (error) {
        log.warn({ code: codeOf(error), err: error }, 'epoch of a service account not folded yet');
        continue;
      }
      rows.set(actor, (rows.get(actor) ?? 0) - counted);
      dueAtMs.set(actor, nowMs() + everyMs);
    }
  };
  return {
    look,
    note({ transactions }) {
      for (const { code, writes } of transactions) {
        if (code !== 0) continue;
        for (const { key, isDelete } of writes) {
          const [type, actor] = key;
          if (type !== 'evt' || isDelete || !dueAtMs.has(actor!)) continue;
          rows.set(actor!, (rows.get(actor!) ?? 0) + 1);
        }
      }
    },
    async run(signal) {
      while (!signal.aborted && actors.length > 0) {
        await look();
        await options.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      }
    },
  };
}
