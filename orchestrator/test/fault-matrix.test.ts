/** The table of faults and the tests that it names stay together. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAULT_MATRIX } from './fault-matrix.js';

const here = dirname(fileURLToPath(import.meta.url));

/** A file of this room, or of the room that the name begins with. */
function fileOf(name: string): string {
  const [room, file] = name.split('/');
  return file === undefined ? join(here, name) : join(here, '..', '..', room!, 'test', file);
}

/** Every text in quotes: a title may stand behind a table of cases. */
function titlesOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(['`"])((?:\\.|(?!\1)[^\n])*)\1/g)].map((match) => match[2]!);
}

describe('the fault matrix', () => {
  it('has each id once', () => {
    const ids = FAULT_MATRIX.map((row) => row.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(FAULT_MATRIX.map((row) => [row.id, row] as const))(
    '%s names tests that exist',
    (_, row) => {
      expect(row.tests.length).toBeGreaterThan(0);
      for (const test of row.tests) {
        const [name, title] = test.split(' > ') as [string, string];
        const file = fileOf(name);
        expect({ test, exists: existsSync(file) }).toEqual({ test, exists: true });
        const found = titlesOf(file).some((each) => each.includes(title));
        expect({ test, found }).toEqual({ test, found: true });
      }
    },
  );
});
