/**
 * Whose a record is: its handle begins with its home hospital.
 * @module
 */

/** `H1-9f…` → `H1MSP`. */
export function custodianOf(record: string): string {
  return `${record.slice(0, record.indexOf('-'))}MSP`;
}
