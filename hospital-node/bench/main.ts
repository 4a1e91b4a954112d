/**
 * The review with 100,000 holds, asked over HTTP as the page asks, on SQLite and on PostgreSQL.
 *
 * `npm run bench -w hospital-node [-- --json] [--store sqlite|postgresql] [--save FILE] [--holds N] [--plans]`. Exit 1 if a bar of
 * `bars.ts` is missed. The holds are seeded with detector 0's real windows, so a detail is scored and explained for each
 * answer. What is thrown away after the run need not survive a crash: neither store syncs its writes here, and reading is
 * what is measured.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { pageStatement } from '../src/review/hold-query.js';
import { engineOf, openNodeDatabase, type NodeDatabase } from '../src/store/index.js';
import { postgresqlPrograms, startPostgres } from '../../test/postgresql.js';
import { fillReview } from './holds.js';
import { measureReview, type Measured } from './queue.js';
import { barsOf, tableOf, type BenchDocument, type StoreName, type StoreResult } from './table.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    store: { type: 'string' },
    save: { type: 'string' },
    holds: { type: 'string', default: '100000' },
    plans: { type: 'boolean', default: false },
  },
});
const holds = Number(values.holds);

async function measureOn(store: StoreName, database: NodeDatabase): Promise<Measured[]> {
  process.stderr.write(`${store}: ${holds} holds\n`);
  await fillReview(database, holds);
  // PostgreSQL does this by itself after a while; the run does not wait for that. SQLite never does.
  if (engineOf(database) === 'postgresql') await sql`ANALYZE`.execute(database);
  if (values.plans) process.stderr.write(`${await plansOf(database)}\n`);
  return measureReview(database);
}

/** How the engine would walk the first page of the queue, and a search that finds nothing. */
async function plansOf(database: NodeDatabase): Promise<string> {
  const engine = engineOf(database);
  const page = { mspId: 'H1MSP', states: ['open', 'claimed'], limit: 51, after: null } as const;
  const word = engine === 'sqlite' ? sql`EXPLAIN QUERY PLAN` : sql`EXPLAIN (ANALYZE, TIMING OFF)`;
  const plans: string[] = [];
  for (const query of [page, { ...page, text: 'nobody' }]) {
    const { rows } = await sql<
      Record<string, unknown>
    >`${word} ${pageStatement(query, engine)}`.execute(database);
    plans.push(rows.map((row) => String(row['QUERY PLAN'] ?? row['detail'])).join('\n'));
  }
  return plans.join('\n\n');
}

async function onSqlite(): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-bench-'));
  const database = await openNodeDatabase({ file: join(folder, 'node.sqlite') });
  try {
    await sql`PRAGMA synchronous = OFF`.execute(database);
    return await measureOn('SQLite', database);
  } finally {
    await database.destroy();
    rmSync(folder, { recursive: true });
  }
}

async function onPostgresql(): Promise<Measured[] | null> {
  if (postgresqlPrograms === null) return null;
  const server = await startPostgres();
  try {
    const url = await server.createDatabase();
    const database = await openNodeDatabase({ url, password: null });
    try {
      return await measureOn('PostgreSQL', database);
    } finally {
      await database.destroy();
    }
  } finally {
    await server.remove();
  }
}

async function resultsOf(
  store: StoreName,
  run: () => Promise<Measured[] | null>,
): Promise<StoreResult | null> {
  const loadBefore = loadavg()[0]!;
  const measured = await run();
  if (measured === null) return null;
  return {
    ...{ store, holds, loadAverageBefore: loadBefore, loadAverageAfter: loadavg()[0]! },
    results: measured.map((one) => ({ ...one, ...barsOf(one) })),
  };
}

/** A run of one store keeps what the file has of the other. */
function kept(file: string | undefined, other: StoreName): StoreResult[] {
  if (file === undefined || !existsSync(file)) return [];
  const { stores } = JSON.parse(readFileSync(file, 'utf8')) as BenchDocument;
  return stores.filter(({ store }) => store === other);
}

const runs: Readonly<Record<StoreName, () => Promise<Measured[] | null>>> = {
  SQLite: onSqlite,
  PostgreSQL: onPostgresql,
};
const stores: StoreResult[] = [];
for (const store of ['SQLite', 'PostgreSQL'] as const) {
  const asked = values.store === undefined || values.store === store.toLowerCase();
  const result = asked ? await resultsOf(store, runs[store]) : null;
  stores.push(...(result === null ? kept(values.save, store) : [result]));
}
const document: BenchDocument = {
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  },
  stores,
};
if (values.save !== undefined) {
  writeFileSync(values.save, `${JSON.stringify(document, null, 2)}\n`);
}
process.stdout.write(values.json ? `${JSON.stringify(document)}\n` : `${tableOf(document)}\n`);
process.exitCode = stores.every(({ results }) => results.every(({ ok }) => ok)) ? 0 : 1;
