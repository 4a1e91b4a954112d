/**
 * V8's experimental `--experimental-wasm-revectorize` joins two 128-bit operations into one of 256 bits. It must not change a
 * bit; what it changes in time is measured in processes with and without it, taking turns.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findRuntime } from './peers/places.js';

const FLAG = '--experimental-wasm-revectorize';

export interface Revectorized {
  readonly node: string;
  readonly sameBits: boolean;
  /** Plain step of the big shape, best of all runs in ms. */
  readonly without: number;
  readonly with: number;
}

interface Answer {
  readonly vectors: string;
  readonly ms: number;
}

/** On this Node and on those that `golden:runtimes` has fetched, where they know the flag. */
export function tryRevectorize(releases: readonly string[]): Revectorized[] {
  const nodes = [process.execPath, ...releases.map(findRuntime)].filter((node) => node !== null);
  const script = fileURLToPath(new URL('revectorize-step.mjs', import.meta.url));
  const ask = (node: string, flags: string[]): Answer =>
    JSON.parse(execFileSync(node, [...flags, script], { encoding: 'utf8' })) as Answer;
  return nodes
    .filter((node) => spawnSync(node, [FLAG, '-e', '0']).status === 0)
    .map((node) => {
      const answers = [0, 1, 2].map(() => ({ off: ask(node, []), on: ask(node, [FLAG]) }));
      return {
        node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
        sameBits: answers.every(({ off, on }) => off.vectors === on.vectors),
        without: Math.min(...answers.map(({ off }) => off.ms)),
        with: Math.min(...answers.map(({ on }) => on.ms)),
      };
    });
}
