/**
 * One data set over several hospitals: evenly, or skewed in the ways in which hospitals differ. Nothing is lost and nothing
 * doubled.
 * @module
 */

import { createHash } from 'node:crypto';
import { checkInteger, checkNumber, DatasetError } from '../errors.js';
import { randomStream, type RandomStream } from '../random-stream.js';

export interface PartitionOptions<T> {
  readonly nodes: number;
  readonly seed: number;
  /**
   * `hash`: by the hash of the key, even, and stable when items are added. `sorted`: in contiguous pieces of the items sorted
   * by key (first events, roles, vocabularies: strongly skewed). `dirichlet`: each key is shared out by a draw from
   * Dirichlet(α). `group`: whole keys (departments, wards), the largest first, each to the node with the least.
   */
  readonly by: 'hash' | 'sorted' | 'dirichlet' | 'group';
  readonly keyOf: (item: T) => string;
  /** Concentration of `dirichlet`, above 0; 0.1 is very skewed, 100 nearly even; default 0.5. */
  readonly alpha?: number;
}

const MODES = ['hash', 'sorted', 'dirichlet', 'group'] as const;

/**
 * The items of each node, in their order.
 *
 * @throws {DatasetError} `ERR_DATASET_OPTION`
 */
export function partition<T>(items: readonly T[], options: PartitionOptions<T>): T[][] {
  const nodes = checkInteger('nodes', options.nodes, { least: 1, most: 10_000 });
  const alpha = checkNumber('alpha', options.alpha ?? 0.5, { least: 1e-3, most: 1e6 });
  if (!MODES.includes(options.by)) {
    throw new DatasetError(
      'ERR_DATASET_OPTION',
      `by: expected ${MODES.join(', ')}, got ${options.by}`,
      { name: 'by', got: options.by },
    );
  }
  const { keyOf, seed } = options;
  const keys = items.map(keyOf);
  const nodeOf = {
    hash: () => byHash(keys, nodes, seed),
    sorted: () => bySorting(keys, nodes),
    dirichlet: () => byDirichlet(keys, { nodes, alpha, seed }),
    group: () => byGroup(keys, nodes),
  }[options.by]();
  const parts = Array.from({ length: nodes }, (): T[] => []);
  for (const [i, item] of items.entries()) parts[nodeOf[i]!]!.push(item);
  return parts;
}

function byHash(keys: readonly string[], nodes: number, seed: number): number[] {
  return keys.map((key) => {
    const digest = createHash('sha256').update(`${seed}/${key}`).digest();
    return digest.readUInt32BE(0) % nodes;
  });
}

function bySorting(keys: readonly string[], nodes: number): number[] {
  const order = keys.map((key, i) => ({ key, i }));
  order.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.i - b.i));
  const nodeOf = new Array<number>(keys.length);
  for (const [rank, { i }] of order.entries()) {
    nodeOf[i] = Math.floor((rank * nodes) / keys.length);
  }
  return nodeOf;
}

function byDirichlet(
  keys: readonly string[],
  options: Readonly<{ nodes: number; alpha: number; seed: number }>,
): number[] {
  const shares = new Map<string, { weights: number[]; random: RandomStream }>();
  return keys.map((key) => {
    let known = shares.get(key);
    if (known === undefined) {
      const random = randomStream(options.seed, 'partition', key);
      const weights = Array.from({ length: options.nodes }, () => gamma(options.alpha, random));
      shares.set(key, (known = { weights, random }));
    }
    return known.random.weighted(known.weights);
  });
}

function byGroup(keys: readonly string[], nodes: number): number[] {
  const sizes = new Map<string, number>();
  for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const loads = new Array<number>(nodes).fill(0);
  const homes = new Map<string, number>();
  const largestFirst = [...sizes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  for (const [key, size] of largestFirst) {
    const least = loads.indexOf(Math.min(...loads));
    loads[least]! += size;
    homes.set(key, least);
  }
  return keys.map((key) => homes.get(key)!);
}

/** Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; below shape 1 by the usual boost. */
function gamma(shape: number, random: RandomStream): number {
  if (shape < 1) {
    // A tiny floor keeps weights from being all zero at very small shapes.
    return gamma(shape + 1, random) * (1 - random.uniform()) ** (1 / shape) + 1e-300;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
