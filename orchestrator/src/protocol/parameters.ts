/**
 * Vectors on the wire: int32, little-endian, in units of 2^-20. A model object and a client update have this one form.
 * @module
 */
import { VerificationError } from '../errors.js';

/** Fixed point: one unit is 2^-20. */
export const PARAMETER_SCALE_LOG2 = 20;

/** `[n]` → `4n` bytes, whatever the byte order of this machine. */
export function encodeParameters(values: Int32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setInt32(i * 4, values[i]!, true);
  return bytes;
}

/**
 * `4n` bytes → `[n]`.
 * @param parameterCount - n that the layout states
 * @throws {VerificationError} `ERR_VECTOR_LENGTH` if the bytes are of another length
 */
export function decodeParameters(bytes: Uint8Array, parameterCount: number): Int32Array {
  if (bytes.length !== parameterCount * 4) {
    throw new VerificationError(
      'ERR_VECTOR_LENGTH',
      `vector: expected ${parameterCount * 4} bytes, got ${bytes.length}`,
      { expectedBytes: parameterCount * 4, gotBytes: bytes.length },
    );
  }
  const values = new Int32Array(parameterCount);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < parameterCount; i++) values[i] = view.getInt32(i * 4, true);
  return values;
}
