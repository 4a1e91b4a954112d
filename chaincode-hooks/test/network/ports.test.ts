/** Real ports: what one network has, another does not get. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { freePortBase, portOwners, requireFreePorts } from '../../src/network/ports.js';
import { HOST, topologyOf, type NetworkOptions } from '../../src/network/topology.js';

const WANTED: Omit<NetworkOptions, 'portBase'> = {
  dir: '/nowhere',
  hospitalCount: 8,
  ordering: 'bft',
  batch: { timeoutMs: 50, messagesMax: 200 },
};

describe('a free range of ports', () => {
  it('is given once, though nobody listens there yet', async () => {
    const bases = await Promise.all([freePortBase(WANTED), freePortBase(WANTED)]);
    expect(bases[0]).not.toBe(bases[1]);
    const module = new URL('../../src/network/ports.ts', import.meta.url).href;
    const script = `
      import { freePortBase } from ${JSON.stringify(module)};
      console.log(await freePortBase(${JSON.stringify(WANTED)}));`;
    // The other process ends by itself: a claim keeps nobody alive.
    const other = await promisify(execFile)(process.execPath, [
      ...['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script],
    ]);
    expect(bases).not.toContain(Number(other.stdout));
  });

  it('has no port that somebody listens on, a chaincode server neither', async () => {
    const base = await freePortBase(WANTED);
    // The last metrics port of the last hospital of the range that comes next.
    const taken = createServer().listen(base + 200 + 159, HOST);
    await once(taken, 'listening').catch(() => undefined); // or somebody has it already, which does as well
    try {
      expect(await freePortBase(WANTED)).not.toBe(base + 200);
    } finally {
      taken.close();
    }
  });
});

describe('ports that a network wants', () => {
  it('are refused by number and owner, but only to who is started', async () => {
    const topology = topologyOf({ ...WANTED, portBase: await freePortBase(WANTED) });
    const owners = portOwners(topology, [{ name: 'bhschain' }]);
    const [port] = [...owners].find(([, owner]) => owner === 'bhschain2')!;
    const taken = createServer().listen(port, HOST);
    await once(taken, 'listening');
    try {
      await requireFreePorts(owners, ['peer1', 'orderer2', 'bhschain1']);
      await expect(requireFreePorts(owners, ['peer1', 'bhschain2'])).rejects.toMatchObject({
        code: 'ERR_NETWORK_PORT',
        message: expect.stringContaining(
          `port ${port} on 127.0.0.1, wanted by bhschain2`,
        ) as string,
      });
    } finally {
      taken.close();
    }
  });
});
