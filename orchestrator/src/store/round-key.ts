/**
 * @module
 */

/** A slot and the attempt within it; the store holds one federation. */
export interface RoundKey {
  readonly slotIndex: number;
  readonly attempt: number;
}
