/**
 * Back-pressure: how much a node, and all nodes together, may ask at once. Beyond it a call is refused with the time
 * to wait, and nothing is queued.
 * @module
 */
import { FederationError } from './errors.js';

export interface AdmissionLimits {
  /** Sustained calls a second of one node; twice as many in a burst. */
  readonly callsPerSecond: number;
  /** Uploads of one node at the same time. */
  readonly uploadsPerNode: number;
  /** Objects that one node reads at the same time. */
  readonly downloadsPerNode: number;
  /** A reader that has not taken the next chunk after this long is shown out. */
  readonly chunkTakenMs: number;
  /** Calls of all nodes in progress. */
  readonly handlersMax: number;
  /** Bytes of requests in progress. */
  readonly inFlightBytesMax: number;
  /** Bytes that one node may upload in a day. */
  readonly bytesPerNodeDay: number;
}

export const DEFAULT_LIMITS: AdmissionLimits = Object.freeze({
  callsPerSecond: 20,
  uploadsPerNode: 2,
  downloadsPerNode: 4,
  chunkTakenMs: 60_000,
  handlersMax: 32,
  inFlightBytesMax: 67_108_864,
  bytesPerNodeDay: 134_217_728,
});

interface NodeUse {
  tokens: number;
  refilledAtMs: number;
  uploads: number;
  downloads: number;
  day: number;
  bytes: number;
}

const DAY_MS = 86_400_000;

/** Counts what is in progress. `nowMs` is any clock that moves forward. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #nowMs: () => number;
  readonly #nodes = new Map<string, NodeUse>();
  #handlers = 0;
  #bytes = 0;

  constructor(limits: AdmissionLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  get chunkTakenMs(): number {
    return this.#limits.chunkTakenMs;
  }

  get inFlightBytes(): number {
    return this.#bytes;
  }

  /**
   * Lets one call in and returns what to call when it is done.
   * @param bytes - size of the upload that the call carries, 0 for other calls
   * @throws {FederationError} `ERR_BUSY` with the time to wait
   */
  enter(nodeId: string, bytes = 0): () => void {
    const use = this.#useOf(nodeId);
    if (use.tokens < 1) {
      throw busy(
        'calls of this node',
        Math.ceil((1 - use.tokens) * (1_000 / this.#limits.callsPerSecond)),
      );
    }
    if (this.#handlers >= this.#limits.handlersMax) throw busy('calls in progress', 250);
    const upload = bytes > 0;
    if (upload) {
      if (use.uploads >= this.#limits.uploadsPerNode) throw busy('uploads of this node', 1_000);
      if (this.#bytes + bytes > this.#limits.inFlightBytesMax) throw busy('bytes in flight', 1_000);
      if (use.bytes + bytes > this.#limits.bytesPerNodeDay) {
        throw busy('bytes of this node today', DAY_MS - (this.#nowMs() % DAY_MS));
      }
      use.uploads += 1;
      use.bytes += bytes;
      this.#bytes += bytes;
    }
    use.tokens -= 1;
    this.#handlers += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#handlers -= 1;
      if (!upload) return;
      use.uploads -= 1;
      this.#bytes -= bytes;
    };
  }

  /**
   * Lets a call that is in read an object, and returns what to call when its last chunk is taken.
   * @throws {FederationError} `ERR_BUSY` with the time to wait
   */
  download(nodeId: string): () => void {
    const use = this.#useOf(nodeId);
    if (use.downloads >= this.#limits.downloadsPerNode) throw busy('downloads of this node', 1_000);
    use.downloads += 1;
    return () => {
      use.downloads -= 1;
    };
  }

  #useOf(nodeId: string): NodeUse {
    const nowMs = this.#nowMs();
    const burst = 2 * this.#limits.callsPerSecond;
    const day = Math.floor(nowMs / DAY_MS);
    let use = this.#nodes.get(nodeId);
    if (use === undefined) {
      use = { tokens: burst, refilledAtMs: nowMs, uploads: 0, downloads: 0, day, bytes: 0 };
      this.#nodes.set(nodeId, use);
    }
    const elapsedMs = Math.max(0, nowMs - use.refilledAtMs);
    use.tokens = Math.min(burst, use.tokens + (elapsedMs * this.#limits.callsPerSecond) / 1_000);
    use.refilledAtMs = nowMs;
    if (use.day !== day) Object.assign(use, { day, bytes: 0 });
    return use;
  }
}

function busy(what: string, retryAfterMs: number): FederationError {
  return new FederationError('ERR_BUSY', `too many ${what}; wait ${retryAfterMs} ms`, {
    retryAfterMs,
  });
}
