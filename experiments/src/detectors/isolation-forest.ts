/**
 * Isolation forest over bags of events.
 * Source: Liu, Ting & Zhou 2008, "Isolation Forest" (ICDM), algorithms 1–3, equations 1 and 2.
 * @module
 */
import { randomStream, type RandomStream } from '@bhschain/datasets';
import { countEvents } from './event-counts.js';
import type { SequenceDetector, Session } from './sequence-detector.js';

const TREES = 100;
const SAMPLE = 256;
const EULER = 0.5772156649015329;

type Tree =
  | { readonly size: number }
  | { readonly column: number; readonly split: number; readonly low: Tree; readonly high: Tree };

export const isolationForest: SequenceDetector = {
  name: 'isolation-forest',
  standing: 'rival',
  about: `${TREES} trees over shares of events and session length`,
  draws: true,
  fit(training, seed) {
    const random = randomStream(seed, 'isolation-forest');
    const columns = [...new Set(training.flatMap(({ events }) => events))].sort();
    const rows = training.map((session) => rowOf(session, columns));
    const size = Math.min(SAMPLE, rows.length);
    const depthMax = Math.ceil(Math.log2(Math.max(2, size)));
    const trees = Array.from({ length: TREES }, () =>
      grow(sample(rows, size, random), depthMax, random),
    );
    return {
      scores: (sessions) =>
        sessions.map((session) => {
          const row = rowOf(session, columns);
          const depth = trees.reduce((sum, tree) => sum + depthOf(tree, row), 0) / TREES;
          return 2 ** (-depth / averagePath(size));
        }),
    };
  },
};

/** Shares of the known events, the share of unknown ones, and the logarithm of the length. */
function rowOf(session: Session, columns: readonly string[]): Float64Array {
  const counts = countEvents(session);
  const length = Math.max(1, session.events.length);
  const row = new Float64Array(columns.length + 2);
  let known = 0;
  columns.forEach((event, i) => {
    const count = counts.get(event) ?? 0;
    known += count;
    row[i] = count / length;
  });
  row[columns.length] = 1 - known / length;
  row[columns.length + 1] = Math.log(length);
  return row;
}

function sample(rows: readonly Float64Array[], size: number, random: RandomStream): Float64Array[] {
  const order = rows.map((_, i) => i);
  return Array.from({ length: size }, (_, i) => {
    const j = i + random.below(order.length - i);
    [order[i], order[j]] = [order[j]!, order[i]!];
    return rows[order[i]]!;
  });
}

function grow(rows: readonly Float64Array[], depthLeft: number, random: RandomStream): Tree {
  if (rows.length <= 1 || depthLeft === 0) return { size: rows.length };
  // A column that does not vary here splits nothing; columns are tried in random order until one does.
  const open = Array.from(rows[0]!, (_, column) => column);
  while (open.length > 0) {
    const [column] = open.splice(random.below(open.length), 1);
    const values = rows.map((row) => row[column!]!);
    const low = Math.min(...values);
    const high = Math.max(...values);
    if (low === high) continue;
    const split = random.between(low, high);
    return {
      column: column!,
      split,
      low: grow(
        rows.filter((row) => row[column!]! <= split),
        depthLeft - 1,
        random,
      ),
      high: grow(
        rows.filter((row) => row[column!]! > split),
        depthLeft - 1,
        random,
      ),
    };
  }
  return { size: rows.length };
}

function depthOf(tree: Tree, row: Float64Array): number {
  let depth = 0;
  let at = tree;
  while ('column' in at) {
    at = row[at.column]! <= at.split ? at.low : at.high;
    depth++;
  }
  return depth + averagePath(at.size);
}

/** Average depth of an unsuccessful search among n leaves, c(n). */
function averagePath(n: number): number {
  if (n <= 1) return 0;
  if (n === 2) return 1;
  return 2 * (Math.log(n - 1) + EULER) - (2 * (n - 1)) / n;
}
