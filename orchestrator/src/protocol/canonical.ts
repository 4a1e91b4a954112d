/**
 * The one byte form of a document of ours.
 * @module
 */
import { canonicalJson, type JsonValue } from '@bhschain/dp';

const encoder = new TextEncoder();

/**
 * UTF-8 of the canonical JSON. Interfaces have no index signature, hence the cast; `canonicalJson` checks each value.
 */
export function encodeCanonical(document: object): Uint8Array {
  return encoder.encode(canonicalJson(document as JsonValue));
}
