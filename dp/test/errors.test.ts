import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as dp from '../src/index.js';

describe('errors', () => {
  const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8');
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/code = '(ERR_DP_\w+)'/g)].map((match) => match[1]!);
  const listed = [...readme.matchAll(/^\| `(ERR_DP_\w+)`\s*\| `(\w+)`/gm)];

  it('the README lists exactly the codes that exist', () => {
    expect(listed.map((match) => match[1]).sort()).toEqual([...codes].sort());
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('every class of the table is exported', () => {
    for (const [, , name] of listed) expect(dp).toHaveProperty(name!);
  });

  it('a message names the argument, what was expected and what came', () => {
    const error = new dp.InvalidArgumentError('delta', 'a number in (0, 1)', new Float32Array(3));
    expect(error.message).toBe('delta: expected a number in (0, 1), got Float32Array of length 3');
    expect(error.name).toBe('InvalidArgumentError');
    expect(error).toBeInstanceOf(dp.DpError);
  });
});
