/** Two real processes on one PostgreSQL: the one that leads is killed with −9 in mid-round, the other one ends the round. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { provisionNode } from '../src/enrolment/provision.js';
import { createFederationClient, type FederationClient } from '../src/protocol.js';
import { temporaryFolder } from './consortium.js';
import { postgresqlPrograms, startPostgres } from '../../test/postgresql.js';
import {
  close,
  closeAll,
  ended,
  nowMs,
  room,
  start,
  submit,
  takeWork,
  writeState,
} from './process-world.js';
import { until } from './world.js';

afterEach(closeAll);

async function leads(httpPort: number): Promise<boolean> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return /^federation_lease_held 1$/m.test(text);
}

const ready = postgresqlPrograms !== null && existsSync(join(room, 'dist/main.js'));

describe.runIf(ready)('two replicas', () => {
  it('survive the leader: what it had accepted counts, the other one seals the round', async () => {
    const server = await startPostgres();
    const folder = temporaryFolder();
    try {
      const environment = { DATABASE_URL: await server.createDatabase() };
      const configs = [
        await writeState(folder.path, 0, 'one'),
        await writeState(folder.path, 0, 'two'),
      ];
      const replicas: Awaited<ReturnType<typeof start>>[] = [];
      for (const config of configs) replicas.push(await start(config, environment));
      let leading: readonly boolean[] = [];
      await until(async () => {
        leading = await Promise.all(replicas.map(({ ready: { httpPort } }) => leads(httpPort)));
        return leading.includes(true);
      });
      expect([...leading].sort()).toEqual([false, true]);
      const [leader, other] = leading[0] === true ? replicas : [...replicas].reverse();

      const trusted = readFileSync(join(folder.path, 'ops/ca.pem'), 'utf8');
      const connect = async (nodeId: string, port: number): Promise<FederationClient> => {
        const identity = await provisionNode({
          caDir: join(folder.path, 'ca'),
          federationId: 'process-test',
          nodeId,
          nowMs: nowMs(),
        });
        const client = createFederationClient({
          address: `127.0.0.1:${port}`,
          federationId: 'process-test',
          nodeId,
          ca: identity.ca,
          certificate: identity.certificate,
          privateKey: identity.privateKey,
          trustedSigners: [trusted],
          nowMs,
        });
        close.push(() => client.close());
        return client;
      };
      // One hospital dials the leader, the other one the replica, which takes its update, too.
      const h1 = await connect('H1', leader!.ready.port);
      const h2 = await connect('H2', other!.ready.port);
      const [unit] = await Promise.all([takeWork(h1), takeWork(h2)]);
      await submit(h1, 'H1', unit);
      leader!.child.kill('SIGKILL');
      await ended(leader!.child);
      await submit(h2, 'H2', unit);

      await until(async () => {
        const answer = await fetch(`http://127.0.0.1:${other!.ready.httpPort}/api/v1/status`);
        const { rounds } = (await answer.json()) as { rounds: { sealed: number } };
        return rounds.sealed === 1;
      });
      expect(await leads(other!.ready.httpPort)).toBe(true);
      const { manifest } = await h2.getManifest(unit.roundId);
      expect(manifest.contributions.map((each) => each.verdict)).toEqual(['accepted', 'accepted']);
      other!.child.kill('SIGTERM');
      expect(await ended(other!.child)).toBe(0);
    } finally {
      await server.remove();
      folder.remove();
    }
  }, 300_000);
});
