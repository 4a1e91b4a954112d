/** The promises, read from the one table in the room's README. */
import { readFileSync } from 'node:fs';

export interface Bar {
  /** The README's words. */
  readonly text: string;
  readonly atLeast: boolean;
  readonly value: number;
}

/** Rows of the form `| name | ≥ 15 × TF.js wasm |` or `| name | ≤ 0.1 ms |`. */
export function readBars(): Map<string, Bar> {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const bars = new Map<string, Bar>();
  for (const [, name, text, sign, value] of readme.matchAll(
    /^\| ([^|]+?) +\| (([≥≤]) ([\d.]+)[^|]*?) +\|/gmu,
  )) {
    bars.set(name!, { text: text!, atLeast: sign === '≥', value: Number(value) });
  }
  return bars;
}
