/**
 * From a pseudonym to the person of the hospital's own log: a separate, reasoned, recorded act. The directory is read when
 * it is asked, so that no list of names lies in the memory of the process that serves a page.
 * @module
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Directory {
  /** The name in the hospital's log; null if the actor is not one of this hospital's. */
  nameOf(ledgerActor: string): Promise<string | null>;
}

/** @param file - JSONL: `{actor, ledgerActor, …}` a line, as `actorsFile` of the configuration */
export function openDirectory(file: string): Directory {
  return {
    async nameOf(ledgerActor) {
      const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
      try {
        for await (const line of lines) {
          if (!line.includes(ledgerActor)) continue;
          const entry = JSON.parse(line) as { actor?: unknown; ledgerActor?: unknown };
          if (entry.ledgerActor === ledgerActor && typeof entry.actor === 'string') {
            return entry.actor;
          }
        }
        return null;
      } finally {
        lines.close();
      }
    },
  };
}
