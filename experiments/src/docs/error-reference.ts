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

/** Where the remedies and the READMEs do not agree, as `room code`. */
export function unevenRemedies(
  remedies: Remedies,
  codes: readonly ErrorCode[],
): { readonly without: readonly string[]; readonly unknown: readonly string[] } {
  const remedied = Object.entries(remedies).flatMap(([room, rows]) =>
    Object.values(rows).flatMap((of) => of.map((each) => `${room} ${each}`)),
  );
  const listed = new Set(codes.map((each) => `${each.room} ${each.code}`));
  return {
    without: [...listed].filter((key) => !remedied.includes(key)),
    unknown: remedied.filter((key) => !listed.has(key)),
  };
}

function remedyOf(remedies: Remedies, { room, code: wanted }: ErrorCode): string {
  const rows = Object.entries(remedies[room] ?? {});
  return rows.find(([, codes]) => codes.includes(wanted))?.[0] ?? '';
}

/** So that a link can name one code: `error-codes.md#ERR_CSRF`; a code of two rooms leads to the first. */
function anchored({ code: name }: ErrorCode): string {
  return `<a id="${name}"></a>${code(name)}`;
}

export function errorReference(): string {
  const codes = errorCodes();
  const remedies = readRemedies();
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
            .map((each) => [anchored(each), each.meaning, remedyOf(remedies, each)]),
        ),
      ]),
    ],
  );
}
