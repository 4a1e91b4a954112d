/** `reference-values.md` says of every public value where it is tested, or why not; this keeps it true. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const table = readFileSync(new URL('./reference-values.md', import.meta.url), 'utf8');
const rows = [...table.matchAll(/^\| (A\d[^|]*?) *\| .+ \| *([^|]+?) *\|$/gm)].map(
  ([, ids, where]) => ({
    ids: ids!.split(', '),
    where: where!,
  }),
);

describe('public reference values', () => {
  it('A1 … A58, each once', () => {
    const all = Array.from({ length: 58 }, (_, i) => `A${i + 1}`);
    expect(rows.flatMap((row) => row.ids).sort()).toEqual(all.sort());
  });

  it.each(rows)('$ids: $where', ({ ids, where }) => {
    if (where.startsWith('not applicable')) {
      expect(where.length).toBeGreaterThan('not applicable: '.length + 20);
      return;
    }
    const files = where.split(', ').map((name) => {
      const source = readFileSync(new URL(`./${name}.test.ts`, import.meta.url), 'utf8');
      // Titles and rows of `it.each`, not comments.
      return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    });
    for (const id of ids) {
      expect(
        files.some((file) => new RegExp(`['"\`(, ]${id}\\b`).test(file)),
        id,
      ).toBe(true);
    }
  });
});
