/**
 * A PostgreSQL of our own on loopback, in a temporary folder, never as root. Where the programs are missing the tests
 * that need it are skipped with a line that says so, unless REQUIRE_ALL=1.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.js';

const NOBODY = 65_534;

function programs(): string | null {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const folders = ['/usr/local/bin', ...versions.map((v) => `/usr/lib/postgresql/${v}/bin`)];
  return (
    folders.find(
      (each) => existsSync(join(each, 'initdb')) && existsSync(join(each, 'postgres')),
    ) ?? null
  );
}

export const postgresqlPrograms: string | null = programs();

if (postgresqlPrograms === null) {
  const line = 'PostgreSQL not found: apt-get install postgresql to run the tests that need it';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(line);
  process.stderr.write(`skipped: ${line}\n`);
}

export interface PostgresServer {
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-postgresql-'));
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in user) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const made = spawnSync(
    join(postgresqlPrograms!, 'initdb'),
    ['-D', data, '-U', 'bhs', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    { ...user, cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr.toString()}`);
  const port = await freePort();
  let child: ChildProcess | null = null;
  let databases = 0;

  const url = (database: string): string => `postgresql://bhs@127.0.0.1:${port}/${database}`;
  const start = async (): Promise<void> => {
    child = spawn(
      join(postgresqlPrograms!, 'postgres'),
      ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off'],
      { ...user, cwd: folder, stdio: 'ignore' },
    );
    for (let tries = 0; ; tries++) {
      const client = new pg.Client({ connectionString: url('postgres') });
      try {
        await client.connect();
        await client.end();
        return;
      } catch (cause) {
        if (tries > 300) throw cause;
        await sleep(100);
      }
    }
  };
  const stop = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    // Immediate shutdown: connections are cut, as when the machine goes away.
    running.kill('SIGQUIT');
    await ended;
  };
  await start();
  return {
    createDatabase: async () => {
      const name = `d${++databases}`;
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return url(name);
    },
    start,
    stop,
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
