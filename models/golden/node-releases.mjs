// The versions of Node on which bits are compared: npm packages without scripts, of fixed versions, kept in the user's cache
// folder. Used by the golden runs of models and of chaincode-hooks.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const RELEASES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const MINUTE = 60_000;

const platform = process.platform === 'win32' ? 'win' : process.platform;
const PACKAGE = `node-${platform}-${process.arch}`;
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bhschain', 'runtimes');

/** Those of the wanted major versions, or all; exits with 2 if there is none. */
export function releasesOf(wanted) {
  const releases = RELEASES.filter(
    (release) => wanted.length === 0 || wanted.includes(release.split('.')[0]),
  );
  if (releases.length === 0) {
    console.error(`releases: expected some of ${RELEASES.join(', ')}, got ${wanted.join(', ')}`);
    process.exit(2);
  }
  return releases;
}

/** The executable of a release, or null with a line on standard error where it cannot be had. */
export function runtimeOf(release) {
  try {
    return fetched(release);
  } catch (error) {
    const cannot = `Node ${release}: ${PACKAGE}@${release} cannot be had from the package registry`;
    const why = String(error.stderr ?? error.message).trim();
    console.error(`${cannot} (${why.split('\n')[0]})`);
    return null;
  }
}

/** Fetched once; an interrupted download leaves nothing behind. */
function fetched(release) {
  const folder = join(cache, release);
  const node = join(folder, 'node_modules', PACKAGE, 'bin', 'node');
  if (existsSync(node)) return node;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const install = ['install', '--no-save', '--ignore-scripts', '--prefix', partial];
    execFileSync('npm', [...install, `${PACKAGE}@${release}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 5 * MINUTE,
      // The repository's engine rules are not about this.
      cwd: partial,
    });
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return node;
}
