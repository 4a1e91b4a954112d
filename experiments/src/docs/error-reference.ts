/** `docs/reference/error-codes.md`: every code, what it means and what to do about it. @module */
import { parse } from 'yaml';
import { errorCodes, type ErrorCode } from './error-codes.js';
import { code, generatedPage, table } from './markdown.js';
import { read, ROOMS } from './repository.js';

/** Room → what to do → the codes that it is done about. */
type Remedies = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export function readRemedies(): Remedies {
  return parse(read('experiments/remedies.yaml')) as Remedies;
}

/** @throws {TypeError} naming the codes without a remedy, and the remedies without a code */
export function remedyOf(remedies: Remedies, codes: readonly ErrorCode[]): (of: ErrorCode) => string {
  const remedy = new Map<string, string>();
  for (const [room, rows] of Object.entries(remedies)) {
    for (const [what, of] of Object.entries(rows)) {
      for (const each of of) remedy.set(`${room} ${each}`, what);
    }
  }
  const keys = new Set(codes.map((each) => `${each.room} ${each.code}`));
  const without = [...keys].filter((key) => !remedy.has(key));
  const unknown = [...remedy.keys()].filter((key) => !keys.has(key));
  if (without.length + unknown.length > 0) {
    throw new TypeError(
      `experiments/remedies.yaml: expected a remedy for ${without.join(', ') || 'no more'}; not in a README: ${unknown.join(', ') || 'none'}`,
    );
  }
  return (of) => remedy.get(`${of.room} ${of.code}`)!;
}

export function errorReference(): string {
  const codes = errorCodes();
  const remedy = remedyOf(readRemedies(), codes);
  return generatedPage(
    'Error codes',
    'the tables in the rooms’ READMEs and [remedies.yaml](../../experiments/remedies.yaml)',
    [
      'A code never changes its meaning. The message beside it names the value that came and what was expected; start there.',
      ...ROOMS.flatMap((room) => [
        `## ${room}`,
        table(
          ['code', 'meaning', 'what to do'],
          codes
            .filter((each) => each.room === room)
            .toSorted((a, b) => (a.code < b.code ? -1 : 1))
            .map((each) => [code(each.code), each.meaning, remedy(each)]),
        ),
      ]),
    ],
  );
}
