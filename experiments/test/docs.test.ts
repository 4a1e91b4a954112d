import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents } from '../src/docs/documents.js';
import { errorCodes } from '../src/docs/error-codes.js';
import { readRemedies, unevenRemedies } from '../src/docs/error-reference.js';
import { GENERATED_PAGES, textOf } from '../src/docs/pages.js';
import { read, ROOT } from '../src/docs/repository.js';

describe('generated pages', () => {
  // Two of them start programs or make a small world: seconds, but minutes on a machine with other work.
  it.each(GENERATED_PAGES)(
    '$file is up to date; npm run docs writes it',
    { timeout: 180_000 },
    async (page) => {
      expect(read(page.file)).toBe(await textOf(page));
    },
  );

  it('every error code has a remedy in experiments/remedies.yaml', () => {
    const codes = errorCodes();
    expect(codes.length).toBeGreaterThan(200);
    expect(unevenRemedies(readRemedies(), codes)).toEqual({ without: [], unknown: [] });
    const [first, ...others] = codes;
    expect(unevenRemedies(readRemedies(), others).unknown).toEqual([
      `${first!.room} ${first!.code}`,
    ]);
  });
});

/** Headings as GitHub names them, and what is named by hand. */
function placesOf(file: string): ReadonlySet<string> {
  const text = read(file);
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([
    ...headings,
    ...[...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]!),
  ]);
}

describe('pages by hand', () => {
  it('are all named in docs/README.md', () => {
    const index = read('docs/README.md');
    const pages = documents().filter(
      (file) => file.startsWith('docs/') && file !== 'docs/README.md',
    );
    expect(pages.length).toBeGreaterThan(15);
    expect(pages.filter((file) => !index.includes(`(${file.slice('docs/'.length)})`))).toEqual([]);
  });

  it('link to files and places that exist', () => {
    const broken: string[] = [];
    for (const file of documents()) {
      for (const [, path = '', place] of read(file).matchAll(
        /\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g,
      )) {
        const target = path === '' ? file : join(dirname(file), path);
        const found = existsSync(join(ROOT, target));
        if (!found || (place !== undefined && !placesOf(target).has(place))) {
          broken.push(`${file}: ${path}${place === undefined ? '' : `#${place}`}`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('show pictures that exist, say what is on them, and are small', () => {
    for (const file of documents().filter((each) => each.startsWith('docs/'))) {
      for (const [, path = ''] of read(file).matchAll(/(?:src|srcset)="([^"]+\.png)"/g)) {
        const picture = join(ROOT, dirname(file), path);
        expect(existsSync(picture), `${file}: ${path}`).toBe(true);
        expect(statSync(picture).size, path).toBeLessThan(300_000);
      }
      expect(read(file), file).not.toMatch(/<img(?![^>]*alt="[^"]{10})/);
    }
  });
});

describe('the threat model', () => {
  /** `room/test/file.test.ts` › `title`, as the table names them. */
  const named = [
    ...read('docs/explanation/threat-model.md').matchAll(
      /`([\w-]+\/test\/[\w./-]+\.(?:test|fabric)\.tsx?)` › `([^`]+)`/g,
    ),
  ].map(([, file = '', title = '']) => ({ file, title }));

  it('names a test for each mitigation', () => {
    const rows = read('docs/explanation/threat-model.md')
      .split('\n')
      .filter((line) => /^\| (?:S|L|F)\d+ /.test(line));
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) {
      expect(row, row.slice(0, 60)).toMatch(/\.test\.tsx?` › `|\.fabric\.ts` › `|not built/);
    }
  });

  it.each(named)('$file › $title is there', ({ file, title }) => {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    // Quotes inside a title are escaped in some sources.
    expect(read(file).replaceAll("\\'", "'")).toContain(title);
  });
});
