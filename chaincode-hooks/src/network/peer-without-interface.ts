/**
 * The one line of Fabric that is built differently: a peer starts on a machine that has only its loopback interface.
 *
 * `getLocalAddress` of Fabric's `core/peer/config.go` looks for another IPv4 address before it looks whether it needs one,
 * and without one (no network, a sandbox) the peer ends, although ours never detects its address: `peer.address` is set
 * and `addressAutoDetect` is off. Go refuses an overlay beneath its module cache, so the build takes a copy.
 *
 * @module
 */
import { chmodSync, cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NetworkError } from './errors.js';

const FILE = join('core', 'peer', 'config.go');
const REFUSES = 'return "", errors.Errorf("no non-loopback, IPv4 interface detected")';
const ANSWERS = 'return "127.0.0.1", nil';

/** Names the replacement, for whoever keeps what was built. */
export const REPLACEMENT: string = `${FILE}\n${REFUSES}\n${ANSWERS}`;

/**
 * Copies the source of Fabric's module with that line replaced.
 *
 * @throws {NetworkError} `ERR_NETWORK_BINARIES` if the line is not there once, as after a change of Fabric's version
 */
export function copyWithoutInterface(fabricDir: string, copyDir: string): void {
  const parts = readFileSync(join(fabricDir, FILE), 'utf8').split(REFUSES);
  if (parts.length !== 2) {
    throw new NetworkError(
      'ERR_NETWORK_BINARIES',
      `${join(fabricDir, FILE)}: expected "${REFUSES}" once, got it ${parts.length - 1} times; see src/network/peer-without-interface.ts`,
      { file: FILE },
    );
  }
  cpSync(fabricDir, copyDir, { recursive: true });
  // Go keeps its module cache read-only, folders too; a copy must be removable by who is not root.
  for (const entry of readdirSync(copyDir, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  chmodSync(copyDir, 0o755);
  const copy = join(copyDir, FILE);
  chmodSync(copy, 0o644);
  writeFileSync(copy, parts.join(ANSWERS));
}
