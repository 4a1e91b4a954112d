/**
 * The probing report: who has a call endorsed and never submits it learns what the guard would do and leaves nothing on the
 * channel. The hospital's chaincode process keeps a list of what it simulated; this watch compares it with the blocks.
 *
 * An id is reported when its proposal is too old to be committed any more, no block of that time had it, and the peer does
 * not know it either. A client that gives up after an endorsement mismatch leaves such ids too: one now and then is nothing.
 * Design: fabric §4.8.
 * @module
 */
import {
  uncommittedSimulations,
  type Simulation,
  type SimulationPage,
} from '@bhschain/chaincode-hooks/events';
import type { Logger } from 'pino';
import { codeOf } from '../errors.js';
import type { FollowedBlock } from '../fabric/block-follower.js';
import type { FabricConnection } from '../fabric/connection.js';

export interface SimulationWatch {
  /** What a block has is no probing, valid or not. Call after each block. */
  note(block: FollowedBlock): void;
  /** One look at the chaincode process's list. */
  look(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
  /** Simulations of the last day that were never committed. */
  uncommitted(): readonly Simulation[];
}

export interface SimulationWatchOptions {
  /** Simulations after a sequence number, as the chaincode process answers them. */
  readonly page: (after: number) => Promise<SimulationPage>;
  readonly fabric: Pick<FabricConnection, 'lookup'>;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly onChange?: (uncommittedCount: number) => void;
}

const LOOK_EVERY_MS = 15_000;
const REPORTED_MS = 86_400_000;
/** Longer than a simulation waits for its block, so that two generations hold every id that can still be asked for. */
const GENERATION_MS = 30 * 60_000;

export function createSimulationWatch(options: SimulationWatchOptions): SimulationWatch {
  return new Watch(options);
}

/** @param address - `host:port` of the chaincode process's metrics */
export async function simulationPage(address: string, after: number): Promise<SimulationPage> {
  const url = `http://${address}/simulations?after=${after}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
  return (await answer.json()) as SimulationPage;
}

class Watch implements SimulationWatch {
  readonly #o: SimulationWatchOptions;
  #next = 0;
  #waiting: Simulation[] = [];
  #uncommitted: Simulation[] = [];
  #committed = new Set<string>();
  #committedBefore = new Set<string>();
  #generationFromMs: number;

  constructor(options: SimulationWatchOptions) {
    this.#o = options;
    this.#generationFromMs = options.nowMs();
  }

  note({ transactions }: FollowedBlock): void {
    if (this.#o.nowMs() - this.#generationFromMs > GENERATION_MS) {
      this.#committedBefore = this.#committed;
      this.#committed = new Set();
      this.#generationFromMs = this.#o.nowMs();
    }
    for (const { txId } of transactions) this.#committed.add(txId);
  }

  uncommitted(): readonly Simulation[] {
    return this.#uncommitted;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        this.#o.log.warn({ code: codeOf(error), err: error }, 'no list of simulations');
      }
      await this.#o.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async look(): Promise<void> {
    await this.#read();
    this.#waiting = this.#waiting.filter(({ txId }) => !this.#isCommitted(txId));
    const nowMs = this.#o.nowMs();
    const old = uncommittedSimulations(this.#waiting, { nowMs, isCommitted: () => false });
    for (const simulation of old) {
      // Blocks from before this node's start were not seen here: the peer has the last word.
      const found = await this.#o.fabric.lookup(simulation.txId);
      this.#waiting.splice(this.#waiting.indexOf(simulation), 1);
      if (found !== null) continue;
      this.#uncommitted.push(simulation);
      const { txId, function: name } = simulation;
      this.#o.log.warn({ txId, function: name }, 'simulated and never committed');
    }
    this.#uncommitted = this.#uncommitted.filter(({ atMs }) => nowMs - atMs <= REPORTED_MS);
    this.#o.onChange?.(this.#uncommitted.length);
  }

  async #read(): Promise<void> {
    for (;;) {
      const { items, next, lost } = await this.#o.page(this.#next);
      // A process that was started anew counts from 1 again and does not have the last one that was read.
      if (items.length === 0 && this.#next > 0 && !(await this.#has(this.#next))) {
        this.#next = 0;
        continue;
      }
      if (lost > 0) this.#o.log.warn({ lost }, 'simulations were dropped before they were read');
      this.#waiting.push(...items);
      if (next === this.#next) return;
      this.#next = next;
    }
  }

  async #has(sequence: number): Promise<boolean> {
    return (await this.#o.page(sequence - 1)).items.length > 0;
  }

  #isCommitted(txId: string): boolean {
    return this.#committed.has(txId) || this.#committedBefore.has(txId);
  }
}
