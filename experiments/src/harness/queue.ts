/**
 * Seeds over several machines: jobs on pg-boss in one PostgreSQL, workers anywhere. A worker sends its seed's folder back with
 * the job, so that results land where they were asked for. A worker holds an advisory lock for its job as long as its session lives;
 * whoever can take the lock of a running job knows that its worker is gone, and gives the job back.
 * @module
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import PgBoss from 'pg-boss';
import { ExperimentError } from '../errors.js';
import { STUDIES } from '../studies/index.js';
import type { Job } from './job.js';
import { runLocally, type JobListener } from './local-jobs.js';
import {
  describeRun,
  openRun,
  readSeed,
  seedFolder,
  type RunInfo,
  type SeedState,
} from './run-store.js';

const QUEUE = 'bhs-experiment-seeds';
const RETRIES = 3;
const POLL_MS = 500;
/** A job younger than this may not have its lock yet. */
const GRACE_SECONDS = 5;

interface QueuedSeed {
  readonly run: RunInfo;
  readonly seed: number;
}

interface QueuedResult {
  readonly state: SeedState;
  /** The seed's folder, base64 by name. */
  readonly files: Readonly<Record<string, string>>;
}

async function openQueue(
  url: string,
): Promise<{ boss: PgBoss; client: pg.Client; readonly close: () => Promise<void> }> {
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'bhs-experiment',
    schedule: false,
  });
  // A lost connection shows in the next statement.
  boss.on('error', () => undefined);
  const client = new pg.Client({ connectionString: url, application_name: 'bhs-experiment' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // Two that make the tables at once deadlock.
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [QUEUE]);
    await boss.start();
    await boss.createQueue(QUEUE, { name: QUEUE, policy: 'standard', retryLimit: RETRIES });
    await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [QUEUE]);
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw new ExperimentError(
      'ERR_RUN_QUEUE',
      `--queue: expected a PostgreSQL that lets us in, got ${JSON.stringify(url.replace(/:[^:@/]*@/, ':…@'))} (${(cause as Error).message})`,
      {},
      { cause },
    );
  }
  return {
    boss,
    client,
    async close() {
      await boss.stop({ graceful: false, wait: true });
      await client.end();
    },
  };
}

/** Puts the seeds that are not done on the queue and waits until all have an end, wherever they run. */
export async function runOnQueue(
  url: string,
  jobs: readonly Job[],
  options: Readonly<{ signal: AbortSignal; listener: JobListener }>,
): Promise<void> {
  const { signal, listener } = options;
  const { boss, client, close } = await openQueue(url);
  try {
    const open = new Map<string, Job>();
    for (const job of jobs) {
      if (readSeed(seedFolder(openRun(job.runsDir, job.run), job.seed), job.seed).state === 'ok')
        continue;
      const id = await boss.send(QUEUE, { run: job.run, seed: job.seed } satisfies QueuedSeed, {
        retryLimit: RETRIES,
        expireInHours: 23,
      });
      open.set(id!, job);
    }
    while (open.size > 0 && !signal.aborted) {
      await giveBackLostJobs(boss, client);
      for (const [id, job] of open) {
        const known = await boss.getJobById<QueuedSeed>(QUEUE, id, { includeArchive: true });
        if (known === null || !['completed', 'failed', 'cancelled'].includes(known.state)) continue;
        open.delete(id);
        const result = known.output as unknown as Partial<QueuedResult> | null;
        if (known.state === 'completed' && result?.files !== undefined) unpack(job, result.files);
        else
          listener.line(
            job,
            `given up after ${known.retryCount} retries: ${JSON.stringify(known.output).slice(0, 300)}`,
          );
        listener.done(job, result?.state ?? 'failed');
      }
      await sleep(POLL_MS);
    }
    for (const id of open.keys()) await boss.cancel(QUEUE, id);
  } finally {
    await close();
  }
}

async function giveBackLostJobs(boss: PgBoss, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `select id from pgboss.job where name = $1 and state = 'active' and started_on < now() - interval '${GRACE_SECONDS} seconds'`,
    [QUEUE],
  );
  for (const { id } of rows) {
    const lock = await client.query<{ free: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as free',
      [id],
    );
    if (!lock.rows[0]!.free) continue;
    await boss.fail(QUEUE, id, { reason: 'its worker is gone' });
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [id]);
  }
}

/** Pulls seeds until `signal`, or until the queue was empty for `idleMs`. */
export async function workOnQueue(
  url: string,
  options: Readonly<{
    runsDir: string;
    signal: AbortSignal;
    idleMs: number | null;
    listener: JobListener;
  }>,
): Promise<number> {
  const { runsDir, signal, idleMs, listener } = options;
  const { boss, client, close } = await openQueue(url);
  let worked = 0;
  let idleSince = performance.now();
  try {
    while (!signal.aborted && (idleMs === null || performance.now() - idleSince < idleMs)) {
      const [job] = await boss.fetch<QueuedSeed>(QUEUE);
      if (job === undefined) {
        await giveBackLostJobs(boss, client);
        await sleep(POLL_MS);
        continue;
      }
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [job.id]);
      try {
        await work(boss, job);
        worked++;
      } finally {
        await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [job.id]);
        idleSince = performance.now();
      }
    }
  } finally {
    await close();
  }
  return worked;

  async function work(boss: PgBoss, { id, data }: PgBoss.Job<QueuedSeed>): Promise<void> {
    const { run, seed } = data;
    const study = STUDIES[run.study];
    const own =
      study &&
      describeRun(study, { config: run.config, swept: run.swept }, { ...run, origins: new Map() });
    if (own?.id !== run.id) {
      // Another worker may have the right code.
      await boss.fail(QUEUE, id, {
        reason: `this worker would make ${own?.id ?? 'nothing'}: other code or data`,
      });
      await sleep(POLL_MS);
      return;
    }
    const [outcome] = await runLocally([{ runsDir, run, seed }], { width: 1, signal, listener });
    const files = pack(seedFolder(join(runsDir, run.id), seed));
    if (outcome!.state === 'stopped')
      await boss.fail(QUEUE, id, { reason: 'the worker was stopped' });
    else await boss.complete(QUEUE, id, { state: outcome!.state, files } satisfies QueuedResult);
  }
}

function pack(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.part'))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return [file.slice(folder.length + 1), readFileSync(file).toString('base64')];
      }),
  );
}

/** Files of a worker are named by it, so no name may lead out of the folder. */
function unpack(job: Job, files: Readonly<Record<string, string>>): void {
  const folder = seedFolder(join(job.runsDir, job.run.id), job.seed);
  for (const [name, content] of Object.entries(files)) {
    if (!/^(?:[a-zA-Z0-9 _-][a-zA-Z0-9 ._-]*\/)?[a-zA-Z0-9 _-][a-zA-Z0-9 ._-]*$/.test(name)) {
      throw new ExperimentError(
        'ERR_RUN_QUEUE',
        `result file: expected a plain name, got ${JSON.stringify(name)}`,
        { name },
      );
    }
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(content, 'base64'));
  }
}
