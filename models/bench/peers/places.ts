/** Where engines that are not part of the lock may be: beside this package, or in the user's cache folder. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bhschain');

const NPM = 'npm i --no-save --ignore-scripts --prefix';
const HOW = {
  'onnxruntime-node': `${NPM} ${join(cache, 'node-peers')} onnxruntime-node@1.30.0`,
  '@tensorflow/tfjs-node': 'npm run test:tfjs-node -w models',
  python: `python3 -m venv ${join(cache, 'peers')} && ${join(cache, 'peers/bin/pip')} install -r models/bench/peers/requirements.txt`,
} as const;

const missing = new Set<keyof typeof HOW>();

/** The package's main file, or null; then {@link missingPeers} has a line on it. */
export function findPackage(name: Exclude<keyof typeof HOW, 'python'>): string | null {
  for (const folder of [import.meta.url, `${cache}/node-peers/`, `${cache}/tfjs-node/`]) {
    try {
      return createRequire(folder).resolve(name);
    } catch {
      // Perhaps in the next one.
    }
  }
  missing.add(name);
  return null;
}

/** The interpreter with the Python peers, or null. */
export function findPython(): string | null {
  const python = join(cache, 'peers', 'bin', 'python');
  if (existsSync(python)) return python;
  missing.add('python');
  return null;
}

/** Versions of Node that `npm run golden:runtimes` has fetched. */
export function findRuntime(release: string): string | null {
  const node = join(
    ...[cache, 'runtimes', release, 'node_modules'],
    ...[`node-${process.platform}-${process.arch}`, 'bin', 'node'],
  );
  return existsSync(node) ? node : null;
}

/** What is not there, with the command that would bring it. */
export function missingPeers(): string[] {
  return [...missing].map((name) => `peer ${name}: not installed, left out (${HOW[name]})`);
}
