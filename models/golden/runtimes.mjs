// Runs the golden vectors on several versions of Node and compares every bit with the committed ones.
//   npm run golden:runtimes -w models [-- 20 22]
// The runtimes are npm packages without scripts, of fixed versions, and stay in the user's cache folder. Where none can be
// had, it says so and succeeds; with REQUIRE_ALL=1 it fails.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RELEASES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const MINUTE = 60_000;

const platform = process.platform === 'win32' ? 'win' : process.platform;
const PACKAGE = `node-${platform}-${process.arch}`;
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bhschain', 'runtimes');
const main = fileURLToPath(new URL('main.mjs', import.meta.url));
const committed = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

const wanted = process.argv.slice(2);
const releases = RELEASES.filter(
  (release) => wanted.length === 0 || wanted.includes(release.split('.')[0]),
);
if (releases.length === 0) {
  console.error(`releases: expected some of ${RELEASES.join(', ')}, got ${wanted.join(', ')}`);
  process.exit(2);
}

/** The executable of a release, fetched once; an interrupted download leaves nothing behind. */
function runtimeOf(release) {
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

function vectorsOf(node) {
  const text = execFileSync(node, [main], { encoding: 'utf8', timeout: 2 * MINUTE });
  return JSON.parse(text);
}

let failures = 0;
const own = vectorsOf(process.execPath);
for (const release of releases) {
  let node;
  try {
    node = runtimeOf(release);
  } catch (error) {
    const cannot = `Node ${release}: ${PACKAGE}@${release} cannot be had from the package registry`;
    console.error(
      `${cannot} (${
        String(error.stderr ?? error.message)
          .trim()
          .split('\n')[0]
      })`,
    );
    if (process.env.REQUIRE_ALL === '1') failures++;
    continue;
  }
  const got = vectorsOf(node);
  const wrong = Object.keys(committed.vectors).filter(
    (name) => got.vectors[name] !== committed.vectors[name],
  );
  if (got.canaries !== own.canaries) wrong.push('canaries');
  const count = Object.keys(committed.vectors).length + 1;
  console.log(
    wrong.length === 0
      ? `Node ${release}: ${count} of ${count} golden vectors have the same bits`
      : `Node ${release}: differs in ${wrong.join(', ')}`,
  );
  failures += wrong.length;
}
process.exitCode = failures === 0 ? 0 : 1;
