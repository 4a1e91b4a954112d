/** The catalogues of `npm run mutants -w ROOM` fit the source, so that a bug whose place moved is noticed at once. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

type Mutant = { readonly id: string; readonly bug: string } & (
  | { readonly elsewhere: string }
  | (Patch & { readonly test: string; readonly also?: readonly Patch[] })
);

describe.each(['dp', 'models'])('the catalogue of mutants of %s', (name) => {
  const room = new URL(`${name}/`, import.meta.url);
  const catalogue = JSON.parse(
    readFileSync(new URL('mutants/catalogue.json', room), 'utf8'),
  ) as readonly Mutant[];
  const kills = readFileSync(new URL('mutants/KILLS.md', room), 'utf8');

  it('has every mutant once, and each has a line in KILLS.md', () => {
    const ids = catalogue.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const listed = [...kills.matchAll(/^\| (\d\w+) /gm)].map(([, id]) => id);
    expect(listed).toEqual(ids);
    expect(kills).not.toContain('SURVIVED');
  });

  it.each(catalogue)('$id: $bug', (mutant) => {
    if ('elsewhere' in mutant) return;
    for (const { file, find, replace } of [mutant, ...(mutant.also ?? [])]) {
      const source = readFileSync(new URL(`src/${file}`, room), 'utf8');
      expect(source.split(find), `${file} has the text once`).toHaveLength(2);
      expect(replace).not.toBe(find);
    }
    expect(existsSync(new URL(`test/${mutant.test}.test.ts`, room)), mutant.test).toBe(true);
  });
});
