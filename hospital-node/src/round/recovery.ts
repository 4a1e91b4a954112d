/**
 * What a start finds half done. Debited without bytes: spent, abandoned. Bytes without a record: adopted, so that they
 * are sent as they are and nothing is ever trained again.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { Logger } from 'pino';
import { HospitalNodeError } from '../errors.js';
import type { PrivacyLedger } from '../privacy-ledger/index.js';
import type { ReleaseStore } from './release-store.js';

/**
 * @throws {HospitalNodeError} `ERR_LEDGER_ROLLED_BACK` for an update that no record names: its budget was spent, and this ledger
 *   does not know it
 */
export function recoverReleases(o: {
  readonly ledger: PrivacyLedger;
  readonly releases: ReleaseStore;
  readonly log: Logger;
}): { readonly adopted: number; readonly abandoned: number } {
  const releases = o.ledger.releases();
  const known = new Set(releases.map(({ key }) => key));
  const orphan = o.releases.keys().find((key) => !known.has(key));
  if (orphan !== undefined) {
    throw new HospitalNodeError(
      'ERR_LEDGER_ROLLED_BACK',
      `${o.releases.fileOf(orphan)}: a finished update that no record of the privacy ledger names; the ledger has ${o.ledger.head.seq} records. An older copy of it?`,
      { release: orphan, ownSeq: o.ledger.head.seq },
    );
  }
  let adopted = 0;
  let abandoned = 0;
  for (const release of releases) {
    if (release.stage !== 'debited') continue;
    const { slotIndex } = release.roundId;
    const bytes = o.releases.read(release.key);
    if (bytes === null) {
      o.ledger.abandoned(release.key, 'stopped-before-release');
      o.log.warn({ slotIndex }, 'stopped between debit and release: the interval stays spent');
      abandoned += 1;
    } else {
      o.ledger.released(release.key, { digest: sha256Hex(bytes), byteCount: bytes.length });
      o.log.warn({ slotIndex }, 'finished update found on disk: adopted as it is');
      adopted += 1;
    }
  }
  return { adopted, abandoned };
}
