/** Joining, where nodes answer later than their health says. */
import { describe, expect, it } from 'vitest';
import { createDeployment, type Deployment } from '../../src/network/deployment.js';
import { NetworkError } from '../../src/network/errors.js';
import type { FabricTools } from '../../src/network/fabric-tools.js';
import { topologyOf } from '../../src/network/topology.js';
import { until } from '../../src/network/waiting.js';

const TOPOLOGY = topologyOf({
  dir: '/nowhere',
  hospitalCount: 3,
  ordering: 'raft',
  batch: { timeoutMs: 50, messagesMax: 200 },
  portBase: 20_050,
});

const refused = (): NetworkError =>
  new NetworkError('ERR_NETWORK_TOOL', 'peer channel list: connect: connection refused', {});

/** Peers that refuse the first `refusals` calls each, and then remember which channel they joined. */
function slowPeers(refusals: number): FabricTools & { readonly joins: string[] } {
  const asked = new Map<string, number>();
  const joins: string[] = [];
  const unexpected = (): never => {
    throw new Error('only peers are asked here');
  };
  return {
    joins,
    generateCrypto: unexpected,
    generateGenesisBlock: unexpected,
    participation: unexpected,
    peer({ mspId }, ...args) {
      const calls = (asked.get(mspId) ?? 0) + 1;
      asked.set(mspId, calls);
      if (calls <= refusals) return Promise.reject(refused());
      if (args[1] === 'join') joins.push(mspId);
      const joined = joins.includes(mspId) ? `${TOPOLOGY.channel}\n` : '';
      return Promise.resolve(`Channels peers has joined: \n${joined}`);
    },
  };
}

function deploymentWith(tools: FabricTools): Deployment {
  return createDeployment(TOPOLOGY, tools, (name, what, attempt) =>
    until(`${name} ${what}`, attempt, { timeoutMs: 30_000 }),
  );
}

describe('peers that listen seconds after they are healthy', () => {
  it('are asked again, and each joins once', async () => {
    const tools = slowPeers(3);
    await deploymentWith(tools).joinPeers();
    expect(tools.joins.toSorted()).toEqual(['H1MSP', 'H2MSP', 'H3MSP']);
  });

  it('that joined before are left as they are', async () => {
    const tools = slowPeers(0);
    const deployment = deploymentWith(tools);
    await deployment.joinPeers();
    await deployment.joinPeers();
    expect(tools.joins).toHaveLength(3);
  });
});
