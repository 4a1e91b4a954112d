/**
 * Hands a node its identity on the machine where the authority lives: for demos, tests and closed networks, where no
 * invitation has to travel.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAuthority, writeSecret, type IssuedIdentity } from './authority.js';

/** A key and a certificate for one node, from the authority in `caDir`, which is made if it is not there. */
export async function provisionNode(
  o: Readonly<{ caDir: string; federationId: string; nodeId: string; nowMs: number }>,
): Promise<IssuedIdentity> {
  const authority = await openAuthority({
    folder: o.caDir,
    federationId: o.federationId,
    nowMs: o.nowMs,
  });
  return authority.issueNode(o.nodeId, o.nowMs);
}

/** Writes `DIR/tls/{ca,cert,key}.pem`; the key is readable by its owner only. */
export function writeIdentity(directory: string, identity: IssuedIdentity): void {
  const folder = join(directory, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'ca.pem'), identity.ca);
  writeFileSync(join(folder, 'cert.pem'), identity.certificate);
  writeSecret(join(folder, 'key.pem'), identity.privateKey);
}
