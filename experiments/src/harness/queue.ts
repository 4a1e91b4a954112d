/**
 * Seeds over several machines: jobs on pg-boss in one PostgreSQL, workers anywhere. A worker sends its seed's folder back with
 * the job, so that results land where they were asked for. A run has a queue of its own, under its id, which says its code and data: a
 * worker takes seeds only of runs that it would make itself, and leaves the others untouched. A worker holds an advisory lock for its job as long as its session lives;
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

const QUEUES = 'bhs-experiment-run-';
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

function queueOf({ id }: RunInfo): string {
  return `${QUEUES}${id}`;
}

async function openQueues(
  url: string,
  names: readonly string[] = [],
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
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [QUEUES]);
    await boss.start();
    for (const name of names)
      await boss.createQueue(name, { name, policy: 'standard', retryLimit: RETRIES });
    await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [QUEUES]);
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

/** Puts the seeds that are not done on the queues of their runs and waits until all have an end, wherever they run. */
export async function runOnQueue(
  url: string,
  jobs: readonly Job[],
  options: Readonly<{ signal: AbortSignal; listener: JobListener }>,
): Promise<void> {
  const { signal, listener } = options;
  const names = [...new Set(jobs.map(({ run }) => queueOf(run)))];
  const { boss, client, close } = await openQueues(url, names);
  try {
    const open = new Map<string, Job>();
    for (const job of jobs) {
      if (readSeed(seedFolder(openRun(job.runsDir, job.run), job.seed), job.seed).state === 'ok')
        continue;
      const id = await boss.send(
        queueOf(job.run),
        { run: job.run, seed: job.seed } satisfies QueuedSeed,
        {
          retryLimit: RETRIES,
          expireInHours: 23,
        },
      );
      open.set(id!, job);
    }
    while (open.size > 0 && !signal.aborted) {
      await giveBackLostJobs(boss, client);
      for (const [id, job] of open) {
        const known = await boss.getJobById<QueuedSeed>(queueOf(job.run), id, {
          includeArchive: true,
        });
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
    for (const [id, { run }] of open) await boss.cancel(queueOf(run), id);
  } finally {
    await close();
  }
}

async function giveBackLostJobs(boss: PgBoss, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ id: string; name: string }>(
    `select id, name from pgboss.job where name like $1 and state = 'active' and started_on < now() - interval '${GRACE_SECONDS} seconds'`,
    [`${QUEUES}%`],
  );
  for (const { id, name } of rows) {
    const lock = await client.query<{ free: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as free',
      [id],
    );
    if (!lock.rows[0]!.free) continue;
    await boss.fail(name, id, { reason: 'its worker is gone' });
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [id]);
  }
}

/** Pulls seeds until `signal`, or until there was nothing to do for `idleMs`. */
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
  const { boss, client, close } = await openQueues(url);
  const verdicts = new Map<string, boolean>();
  let worked = 0;
  let idleSince = performance.now();
  try {
    while (!signal.aborted && (idleMs === null || performance.now() - idleSince < idleMs)) {
      const job = await next();
      if (job === null) {
        await giveBackLostJobs(boss, client);
        await sleep(POLL_MS);
        continue;
      }
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [job.id]);
      try {
        await work(job);
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

  /** The seed that waits longest, of the runs that this worker would make. */
  async function next(): Promise<PgBoss.Job<QueuedSeed> | null> {
    const { rows } = await client.query<{ name: string; data: QueuedSeed }>(
      `select name, data from (
         select distinct on (name) name, created_on, data from pgboss.job
         where name like $1 and state < 'active' order by name, created_on
       ) waiting order by created_on`,
      [`${QUEUES}%`],
    );
    for (const { name, data } of rows) {
      if (!verdicts.has(name)) verdicts.set(name, judge(data));
      if (!verdicts.get(name)!) continue;
      const [job] = await boss.fetch<QueuedSeed>(name);
      if (job !== undefined) return job;
    }
    return null;
  }

  /** Whether the same configuration has the same id here. */
  function judge({ run, seed }: QueuedSeed): boolean {
    let why: string;
    try {
      const own = ownIdOf(run);
      if (own === run.id) return true;
      why = `this worker would make ${own ?? 'nothing'}: other code or data`;
    } catch (error) {
      // Its data are not here, say.
      why = `this worker cannot make it: ${(error as Error).message}`;
    }
    listener.line({ runsDir, run, seed }, `left to others; ${why}`);
    return false;
  }

  async function work({ id, name, data }: PgBoss.Job<QueuedSeed>): Promise<void> {
    const { run, seed } = data;
    const [outcome] = await runLocally([{ runsDir, run, seed }], { width: 1, signal, listener });
    const files = pack(seedFolder(join(runsDir, run.id), seed));
    if (outcome!.state === 'stopped')
      await boss.fail(name, id, { reason: 'the worker was stopped' });
    else await boss.complete(name, id, { state: outcome!.state, files } satisfies QueuedResult);
  }
}

function ownIdOf(run: RunInfo): string | null {
  const study = STUDIES[run.study];
  if (study === undefined) return null;
  const point = { config: run.config, swept: run.swept };
  return describeRun(study, point, { ...run, origins: new Map() }).id;
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
