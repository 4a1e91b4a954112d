/**
 * Checks on announced objects and their chunks, the same for every object store.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import { FederationError } from '../errors.js';
import { CHUNK_BYTES, OBJECT_BYTES_MAX } from '../protocol/limits.js';
import type { ObjectAnnouncement } from './objects.js';

const DIGEST = /^[0-9a-f]{64}$/;

/** @throws {FederationError} `ERR_OBJECT_LIMIT` */
export function assertAnnouncement(announcement: ObjectAnnouncement): void {
  const { digest, objectBytes, chunkDigests } = announcement;
  const refuse = (expected: string): never => {
    throw new FederationError('ERR_OBJECT_LIMIT', `object: expected ${expected}`, {
      facts: { objectBytes, chunks: chunkDigests.length },
    });
  };
  if (!DIGEST.test(digest) || !chunkDigests.every((each) => DIGEST.test(each))) {
    refuse('digests of 64 hexadecimal digits');
  }
  if (!Number.isSafeInteger(objectBytes) || objectBytes < 1 || objectBytes > OBJECT_BYTES_MAX) {
    refuse(`between 1 and ${OBJECT_BYTES_MAX} bytes`);
  }
  if (chunkDigests.length !== Math.ceil(objectBytes / CHUNK_BYTES)) {
    refuse(`chunks of ${CHUNK_BYTES} bytes`);
  }
}

/** @throws {FederationError} `ERR_CHUNK_DIGEST`, `ERR_OBJECT_LIMIT` */
export function assertChunk(
  announcement: ObjectAnnouncement,
  index: number,
  bytes: Uint8Array,
): void {
  const expected = announcement.chunkDigests[index];
  if (expected === undefined) {
    throw new FederationError('ERR_OBJECT_LIMIT', `chunk ${index}: expected an announced index`);
  }
  if (bytes.length > CHUNK_BYTES || sha256Hex(bytes) !== expected) {
    throw new FederationError('ERR_CHUNK_DIGEST', `chunk ${index}: other bytes than announced`, {
      facts: { index },
    });
  }
}
