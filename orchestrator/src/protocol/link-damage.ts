/**
 * A TLS connection also breaks when bytes change on the way. That is the link's fault, not a certificate's: trying again
 * soon helps, while a refused certificate stays refused.
 * @module
 */

/** OpenSSL's reasons for records that do not decrypt or do not parse; as a sentence, or as Node's `ERR_SSL_…` code. */
const DAMAGE =
  /decryption.failed|bad.record.mac|digest.check.failed|packet.length|record.(length|layer)|length.(mismatch|too)|decode.error|unexpected.message|wrong.version.number/i;

export function isLinkDamage(openSslText: string): boolean {
  return DAMAGE.test(openSslText);
}
