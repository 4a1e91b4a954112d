/** The files that let others repeat the load with Caliper: they parse, and name what exists. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caliperNetwork } from '../../bench/caliper/network-file.js';
import { topologyOf } from '../../src/network/topology.js';

const folder = fileURLToPath(new URL('../../bench/caliper/', import.meta.url));

describe('the files for Caliper', () => {
  it('a benchmark of rounds whose workload is here', () => {
    const { test } = JSON.parse(readFileSync(join(folder, 'benchmark.json'), 'utf8')) as {
      test: { rounds: { txDuration: number; workload: { module: string } }[] };
    };
    expect(test.rounds.length).toBeGreaterThan(0);
    for (const { txDuration, workload } of test.rounds) {
      expect(txDuration).toBeGreaterThan(0);
      expect(existsSync(join(folder, workload.module))).toBe(true);
    }
  });

  it('a workload module that reads a record and counts what came of it', () => {
    const dir = mkdtempSync(join(tmpdir(), 'caliper-'));
    try {
      // The one class of Caliper that a workload extends, and an adapter that answers as a peer does.
      writeFileSync(join(dir, 'core.cjs'), 'module.exports.WorkloadModuleBase = class {};');
      const source = readFileSync(join(folder, 'guarded-access.cjs'), 'utf8');
      writeFileSync(join(dir, 'w.cjs'), source.replace('@hyperledger/caliper-core', './core.cjs'));
      const script = `
        const module = require('./w.cjs').createWorkloadModule();
        const asked = [];
        module.sutAdapter = { sendRequests: async (request) => {
          asked.push(request);
          return { GetStatus: () => 'success', GetResult: () => Buffer.from('{"disposition":"allowed"}') };
        } };
        module.submitTransaction().then(() => module.cleanupWorkloadModule())
          .then(() => console.log(JSON.stringify(asked[0])));`;
      const out = execFileSync(process.execPath, ['-e', script], { cwd: dir, encoding: 'utf8' });
      expect(out).toContain('{"allowed":1}');
      expect(out).toContain('"contractFunction":"RecordAccessContract:requestAccess"');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('a network file with every hospital, its gateway and its administrator', () => {
    const topology = topologyOf({
      dir: '/nowhere',
      hospitalCount: 5,
      ordering: 'bft',
      portBase: 7050,
      batch: { timeoutMs: 50, messagesMax: 200 },
    });
    expect(caliperNetwork(topology)).toMatchObject({
      version: '2.0.0',
      channels: [{ channelName: 'consortium', contracts: [{ id: 'bhschain' }] }],
      organizations: topology.hospitals.map(({ mspId, peer }) => ({
        mspid: mspId,
        peers: [{ endpoint: `127.0.0.1:${peer.port}` }],
      })),
    });
  });
});
