import { describe, expect, it } from 'vitest';
import { endorsementRule } from '../../src/network/channel-profile.js';
import { portOwners } from '../../src/network/ports.js';
import {
  CHAINCODES_MAX,
  hospitalPorts,
  topologyOf,
  type NetworkOptions,
} from '../../src/network/topology.js';

const OPTIONS: NetworkOptions = {
  dir: '/nowhere',
  hospitalCount: 5,
  ordering: 'bft',
  portBase: 7050,
  batch: { timeoutMs: 50, messagesMax: 200 },
};

describe('topology', () => {
  it('gives every listener a port of its own', () => {
    const topology = topologyOf({ ...OPTIONS, hospitalCount: 8 });
    const chaincodes = Array.from({ length: CHAINCODES_MAX }, (_, index) => ({
      name: `c${index}`,
    }));
    const ports = [...portOwners(topology, chaincodes).keys()];
    // Six of a hospital's nodes, two of each chaincode server.
    expect(ports).toHaveLength(8 * (6 + 2 * CHAINCODES_MAX));
    expect(hospitalPorts(topology)).toEqual(expect.arrayContaining(ports));
  });

  it('endorses by a majority of hospitals, and never by the orchestrator', () => {
    const rule = endorsementRule(topologyOf(OPTIONS));
    expect(rule).toBe(
      "OutOf(3, 'H1MSP.peer', 'H2MSP.peer', 'H3MSP.peer', 'H4MSP.peer', 'H5MSP.peer')",
    );
  });

  it.each([
    [{ hospitalCount: 3 }, /hospitalCount: expected a whole number from 4 to 8 .*, got 3/],
    [{ hospitalCount: 9 }, /from 4 to 8 .*, got 9/],
    [{ ordering: 'raft', hospitalCount: 0 }, /from 1 to 8 .*, got 0/],
    [{ portBase: 80 }, /portBase: expected a whole number from 1024 .*, got 80/],
    [{ portBase: Number.NaN }, /portBase: .*got NaN/],
    [{ batch: { timeoutMs: 0, messagesMax: 1 } }, /batch.timeoutMs: .*got 0/],
    [{ batch: { timeoutMs: 1, messagesMax: 1.5 } }, /batch.messagesMax: .*got 1.5/],
  ] as const)('refuses %o with a sentence', (change, sentence) => {
    expect(() => topologyOf({ ...OPTIONS, ...change })).toThrow(
      expect.objectContaining({
        code: 'ERR_NETWORK_OPTION',
        message: expect.stringMatching(sentence) as string,
      }) as Error,
    );
  });
});
