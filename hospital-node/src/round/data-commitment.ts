/**
 * What a node can later be held to about the data it trained on, without saying anything about them now:
 * SHA-256(salt ‖ root), the root over exactly what went into the gradients, the salt kept in the hospital's own privacy
 * ledger. Who is shown salt and windows can check; who is not learns nothing, since 256 random bits hide the root.
 * @module
 */
import { createHash } from 'node:crypto';
import type { SecureRandom } from '@bhschain/dp';

export interface DataCommitment {
  /** SHA-256(salt ‖ root), 64 hex digits: travels in the envelope. */
  readonly commitment: string;
  /** 64 hex digits; never leaves. */
  readonly salt: string;
}

const SALT_WORDS = 8;

/** @param parts - the training batch, in the order in which it is fed: windows, lengths, masks */
export function commitToData(
  parts: readonly ArrayBufferView[],
  random: SecureRandom,
): DataCommitment {
  const words = new Uint32Array(SALT_WORDS);
  random.fill(words);
  const salt = Buffer.from(words.buffer);
  return { commitment: commitmentOf(parts, salt), salt: salt.toString('hex') };
}

/** The same root under a known salt: how the hospital proves it. */
export function commitmentOf(parts: readonly ArrayBufferView[], salt: Uint8Array): string {
  const root = createHash('sha256');
  for (const part of parts) {
    // Each part with its length, so that no two batches have the same bytes.
    root.update(`${part.byteLength}\n`);
    root.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return createHash('sha256').update(salt).update(root.digest()).digest('hex');
}
