// `npm run pack:offline -w hospital-node -- [--out DIR]`: everything for a machine without a network in one tarball – the
// built rooms, the lock file, every production package as npm's own cache, a CycloneDX bill of materials, a checksum of
// each file, and a script that installs. Run it after `npm run build`, on a machine that reaches the registry.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: '.' } } });
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const name = `${manifest.name}-${manifest.version}-offline`;
/** What only a developer needs. */
const NOT_SHIPPED = /^(src|test|bench|assembly|console|scripts)\//;

const staging = mkdtempSync(join(tmpdir(), `${name}-`));
const home = join(staging, name);
try {
  copyRooms();
  // Filling the cache is installing; the installed tree itself is thrown away.
  npm('ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--cache', './npm-cache');
  rmSync(join(home, 'node_modules'), { recursive: true });
  for (const leftover of ['_logs', '_update-notifier-last-checked']) {
    rmSync(join(home, 'npm-cache', leftover), { recursive: true, force: true });
  }
  const sbom = npm('sbom', '--package-lock-only', '--omit=dev', '--sbom-format', 'cyclonedx');
  writeFileSync(join(home, 'sbom.cdx.json'), sbom);
  writeFileSync(join(home, 'install.sh'), INSTALL());
  chmodSync(join(home, 'install.sh'), 0o755);
  writeFileSync(
    join(home, 'SHA256SUMS'),
    filesIn(home)
      .map((file) => `${sha256(join(home, file))}  ${file}\n`)
      .join(''),
  );
  const tarball = resolve(values.out, `${name}.tar.gz`);
  mkdirSync(dirname(tarball), { recursive: true });
  // Nobody's name or clock of this machine in the archive.
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  execFileSync('tar', [...fixed, '-I', 'gzip -n', '-C', staging, '-cf', tarball, name]);
  writeFileSync(`${tarball}.sha256`, `${sha256(tarball)}  ${name}.tar.gz\n`);
  const { components } = JSON.parse(sbom);
  console.log(`${tarball}: ${components.length} components, sha256 ${sha256(tarball)}`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function copyRooms() {
  mkdirSync(home);
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'LICENSE', 'README.md']) {
    cpSync(join(root, file), join(home, file));
  }
  for (const room of manifest.workspaces) {
    const tracked = execFileSync('git', ['ls-files', '-z', room], { cwd: root, encoding: 'utf8' })
      .split('\0')
      .filter((file) => file !== '' && !NOT_SHIPPED.test(file.slice(room.length + 1)));
    for (const file of tracked) cpSync(join(root, file), join(home, file), { recursive: true });
    const built = join(root, room, 'dist');
    if (!existsSync(built)) throw new Error(`${built} is not there; run npm run build first`);
    cpSync(built, join(home, room, 'dist'), { recursive: true });
  }
}

function npm(...args) {
  return execFileSync('npm', args, {
    cwd: home,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  });
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function INSTALL() {
  return `#!/bin/sh
# Installs without a network: compares every file with its checksum, then lets npm unpack its own cache.
set -eu
cd "$(dirname "$0")"
sha256sum --quiet --check SHA256SUMS
# npm writes into the cache that it reads, so it gets a copy: what was checked stays as it was.
cache="$(mktemp -d)"
trap 'rm -rf "$cache"' EXIT
cp -R npm-cache/. "$cache"
npm ci --offline --omit=dev --ignore-scripts --engine-strict --cache "$cache"
node hospital-node/bin/bhs-node.js --help >/dev/null
echo "installed in $PWD; next: hospital-node/README.md, 'Joining'"
`;
}
