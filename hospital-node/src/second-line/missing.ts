/**
 * What the second line cannot look at in this hospital, in words, so that nobody takes silence for innocence.
 * @module
 */
import type { CareFiles } from './care-records.js';

/**
 * @param o.devicesSeen - whether any line of the log named a device
 * @param o.faults - of the files
 */
export function missingWords(
  o: CareFiles & { readonly devicesSeen: boolean; readonly faults: readonly string[] },
): readonly string[] {
  const missing = [
    'changes of hospital: one hospital’s log shows no other hospital',
    o.relationsFile === null &&
      'patients without a reason, and crowds around one: no care relations are connected (secondLine.relationsFile)',
    o.staffFile === null &&
      'work after the end of employment: no personnel is connected (secondLine.staffFile)',
    (o.relationsFile === null || o.staffFile === null || o.patientsFile === null) &&
      'acquaintances and flagged records: relations, personnel and patients are not all connected (secondLine.patientsFile)',
    !o.devicesSeen && 'devices: no line of the log names one',
    ...o.faults.map((fault) => `as it is now (what was read before still counts): ${fault}`),
  ];
  return missing.filter((each) => each !== false);
}
