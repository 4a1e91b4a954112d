/**
 * Content-addressed objects: models, updates, plans, detectors. Whole or not there; written once.
 * @module
 */

/** Bytes under the SHA-256 of themselves. Putting twice is harmless. */
export interface ObjectStore {
  /** Durable when the promise resolves. Returns the digest. */
  put(bytes: Uint8Array): Promise<string>;
  /** Null if there is no complete object of that name. */
  get(digest: string): Promise<Uint8Array | null>;
  has(digest: string): Promise<boolean>;
  /**
   * Announces an object that will come in chunks; answers the indexes that are missing, ascending.
   * @throws {FederationError} `ERR_OBJECT_LIMIT` for sizes that do not add up or another announcement of the same name
   */
  begin(announcement: ObjectAnnouncement): Promise<readonly number[]>;
  /**
   * Stores one chunk and, with the last one, the object. Returns how many are missing.
   * @throws {FederationError} `ERR_OBJECT_UNKNOWN` if it was not announced, `ERR_CHUNK_DIGEST` for other bytes
   */
  putChunk(digest: string, index: number, bytes: Uint8Array): Promise<number>;
}

export interface ObjectAnnouncement {
  readonly digest: string;
  readonly objectBytes: number;
  readonly chunkDigests: readonly string[];
}
