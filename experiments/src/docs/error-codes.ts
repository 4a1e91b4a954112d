/** The stable error codes, as the tables in the rooms' READMEs list them. @module */
import { read, ROOMS } from './repository.js';

export interface ErrorCode {
  readonly room: string;
  readonly code: string;
  readonly meaning: string;
}

/** Rows whose first cell is one or more codes; the last cell says what they mean. */
export function errorCodes(): readonly ErrorCode[] {
  return ROOMS.flatMap((room) =>
    read(`${room}/README.md`)
      .split('\n')
      .filter((line) => /^\|\s*`ERR_/.test(line))
      .flatMap((line) => {
        const cells = line.split(/(?<!\\)\|/).slice(1, -1);
        const meaning = (cells.at(-1) ?? '')
          .trim()
          .replaceAll('\\|', '|')
          // A link of the room's README, seen from docs/reference.
          .replaceAll(/\]\((?!https?:|#)/g, `](../../${room}/`);
        return [...(cells[0] ?? '').matchAll(/`(ERR_[A-Z0-9_]+)`/g)].map((match) => ({
          room,
          code: match[1]!,
          meaning,
        }));
      }),
  );
}
