/**
 * Finding holds by words: number (H-12), actor (P-71), role, ward, function, transaction id. Each word that is asked for
 * begins a word of the hold; case and accents do not count. The node cuts and folds the words itself, so that they mean the
 * same in SQLite's full-text index (FTS5) and in PostgreSQL's vectors of words (GIN), whatever a server's locale.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import { engineOf, run, type Engine, type NodeDatabase } from '../store/index.js';

/** What of a hold can be found, and never changes. */
export interface Findable {
  readonly number: number;
  readonly actor: string;
  readonly role: string;
  readonly ward: string;
  readonly called: string;
  readonly txId: string;
}

/** Inside the transaction that files the hold. */
export async function keepWords(database: NodeDatabase, hold: Findable): Promise<void> {
  const { number, actor, role, ward, called, txId } = hold;
  // A ward's name counts in parts too.
  const words = wordsIn(
    `h-${number} p-${actor} ${role} ${ward} ${ward.replaceAll('-', ' ')} ${called} ${txId}`,
  ).join(' ');
  await run(
    database,
    engineOf(database) === 'sqlite'
      ? sql`INSERT INTO hold_search (rowid, words) VALUES (${number}, ${words})`
      : sql`INSERT INTO hold_search (number, words)
          VALUES (${number}, array_to_tsvector(string_to_array(${words}, ' ')))`,
  );
}

/** A condition on `hold`; a text without a word finds nothing. */
export function matching(text: string, engine: Engine): RawBuilder<unknown> {
  const words = wordsIn(text);
  if (words.length === 0) return sql`1 = 0`;
  if (engine === 'sqlite') {
    const query = words.map((word) => `"${word}"*`).join(' ');
    return sql`number IN (SELECT rowid FROM hold_search WHERE hold_search MATCH ${query})`;
  }
  const query = words.map((word) => `'${word}':*`).join(' & ');
  return sql`number IN (SELECT number FROM hold_search WHERE words @@ CAST(${query} AS tsquery))`;
}

/** Longer ones are cut; nobody types them. */
const WORD_MAX = 100;

/** Letters, digits and `-`, folded, without accents: nothing in them needs quoting. */
function wordsIn(text: string): string[] {
  const folded = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const words = folded.match(/[\p{L}\p{N}-]+/gu) ?? [];
  return [...new Set(words.map((word) => word.slice(0, WORD_MAX)))];
}
