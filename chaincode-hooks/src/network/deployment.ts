/**
 * From running nodes to a channel with chaincode. Every step asks first whether it was done, so that a start that was
 * interrupted anywhere goes on where it ended.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chaincodePackage } from './chaincode-package.js';
import { NetworkError } from './errors.js';
import { toOrderer, toPeers, type FabricTools } from './fabric-tools.js';
import type { Hospital, Topology } from './topology.js';

const VERSION = '1.0';
const SEQUENCE = '1';

export interface Deployment {
  joinOrderers(): Promise<void>;
  joinPeers(): Promise<void>;
  /** Whether the definition of this chaincode is committed. */
  isCommitted(name: string): Promise<boolean>;
  install(name: string): Promise<void>;
  approve(name: string): Promise<void>;
  commit(name: string): Promise<void>;
}

/**
 * Repeats `attempt` until it is true, for as long as the process named `name` lives. What the attempt throws is a "not yet":
 * a node that does not listen, ordering without a leader, a peer that has not seen the block it waits for.
 */
export type AwaitProcess = (
  name: string,
  what: string,
  attempt: () => Promise<boolean>,
) => Promise<void>;

export function createDeployment(
  topology: Topology,
  tools: FabricTools,
  awaitProcess: AwaitProcess,
): Deployment {
  const { channel, hospitals, majority, genesisBlock } = topology;
  const first = hospitals[0]!;
  const each = async (work: (hospital: Hospital) => Promise<void>): Promise<void> => {
    await Promise.all(hospitals.map(work));
  };
  const patiently = (
    { name }: { readonly name: string },
    what: string,
    work: () => Promise<void>,
  ): Promise<void> => awaitProcess(name, what, () => work().then(() => true));
  const definition = (name: string): string[] => [
    ...['--channelID', channel, '--name', name],
    ...['--version', VERSION, '--sequence', SEQUENCE],
  ];

  async function joinOrderer(hospital: Hospital): Promise<void> {
    if (/"name":\s*"/.test(await tools.participation(hospital, 'list', '--channelID', channel))) {
      return;
    }
    const join = ['join', '--channelID', channel, '--config-block', genesisBlock];
    const answer = await tools.participation(hospital, ...join);
    // osnadmin exits with 0 whatever the orderer says.
    if (!/^Status: 201/.test(answer)) {
      throw new NetworkError(
        'ERR_NETWORK_TOOL',
        `osnadmin channel join at ${hospital.orderer.name}: ${answer.trim()}`,
        { program: 'osnadmin' },
      );
    }
  }

  async function committed(name: string): Promise<boolean> {
    const query = ['lifecycle', 'chaincode', 'querycommitted', '--channelID', channel];
    const answer = await tools.peer(first, ...query, '--output', 'json');
    const { chaincode_definitions: definitions } = JSON.parse(answer) as {
      chaincode_definitions?: readonly { name: string }[];
    };
    return definitions?.some((one) => one.name === name) === true;
  }

  return {
    async joinOrderers() {
      // An orderer's health is well before its participation service listens.
      await each((hospital) => patiently(hospital.orderer, 'joined', () => joinOrderer(hospital)));
      await awaitProcess(first.orderer.name, 'ordering', async () =>
        /"status":\s*"active"/.test(
          await tools.participation(first, 'list', '--channelID', channel),
        ),
      );
    },
    async joinPeers() {
      // A peer's health is well before it opens its ledgers and listens, which takes seconds on a slow disk.
      await each((hospital) =>
        patiently(hospital.peer, 'joined', async () => {
          const joined = (await tools.peer(hospital, 'channel', 'list')).split('\n');
          if (!joined.includes(channel)) {
            await tools.peer(hospital, 'channel', 'join', '-b', genesisBlock);
          }
        }),
      );
    },
    async isCommitted(name) {
      let answer = false;
      await patiently(first.peer, `asked for ${name}`, async () => {
        answer = await committed(name);
      });
      return answer;
    },
    async install(name) {
      const { bytes } = chaincodePackage(name);
      const file = join(topology.dir, 'chaincode', `${name}.tgz`);
      mkdirSync(join(topology.dir, 'chaincode'), { recursive: true });
      writeFileSync(file, bytes);
      await each((hospital) =>
        patiently(hospital.peer, `with ${name} installed`, async () => {
          await tools
            .peer(hospital, 'lifecycle', 'chaincode', 'install', file)
            .catch(unless(/already successfully installed/));
        }),
      );
    },
    async approve(name) {
      const { id } = chaincodePackage(name);
      await each((hospital) =>
        patiently(hospital.peer, `with ${name} approved`, async () => {
          await tools
            .peer(
              hospital,
              ...['lifecycle', 'chaincode', 'approveformyorg', ...toOrderer(topology)],
              ...[...definition(name), '--package-id', id],
            )
            .catch(unless(/redefine .* with unchanged content/));
        }),
      );
    },
    async commit(name) {
      await patiently(first.peer, `with ${name} committed`, async () => {
        // A commit whose answer was lost is done all the same.
        if (await committed(name)) return;
        await tools.peer(
          first,
          ...['lifecycle', 'chaincode', 'commit', ...toOrderer(topology)],
          ...[...definition(name), ...toPeers(topology, majority)],
        );
      });
    },
  };
}

/** Passes over the one failure that means "done already". */
function unless(done: RegExp): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof NetworkError) || !done.test(error.message)) throw error;
  };
}
