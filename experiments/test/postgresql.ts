/**
 * A PostgreSQL of our own on loopback, in a temporary folder, never as root; skipped with a line where it is not installed.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

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
  const line = 'PostgreSQL not found: apt-get install postgresql to run the test of the queue';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(line);
  process.stderr.write(`skipped: ${line}\n`);
}

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-postgresql-'));
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in user) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const env = { PATH: process.env['PATH'], HOME: folder };
  const made = spawnSync(
    join(postgresqlPrograms!, 'initdb'),
    ['-D', data, '-U', 'bhs', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    { ...user, cwd: folder, env },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr.toString()}`);
  const port = await freePort();
  const child: ChildProcess = spawn(
    join(postgresqlPrograms!, 'postgres'),
    ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off'],
    { ...user, cwd: folder, env, stdio: 'ignore' },
  );
  const url = `postgresql://bhs@127.0.0.1:${port}/postgres`;
  for (let left = 100; ; left--) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(100);
    }
  }
  return {
    url,
    async stop() {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGINT');
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
