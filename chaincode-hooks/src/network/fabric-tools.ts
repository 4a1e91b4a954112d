/** Fabric's own command lines: cryptogen, configtxgen, osnadmin, peer. @module */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries, Program } from './binaries.js';
import { PROFILE } from './channel-profile.js';
import { NetworkError } from './errors.js';
import { marked } from './processes.js';
import { HOST, type Hospital, type Topology } from './topology.js';

const TOOL_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

export interface FabricTools {
  generateCrypto(configurationFile: string): Promise<void>;
  generateGenesisBlock(): Promise<void>;
  /** `osnadmin channel …`; its standard output. */
  participation(hospital: Hospital, ...args: readonly string[]): Promise<string>;
  /** `peer …` as the hospital's administrator; its standard output. */
  peer(hospital: Hospital, ...args: readonly string[]): Promise<string>;
}

export function createFabricTools(
  topology: Topology,
  binaries: Binaries,
  nodeEnvironment: NodeJS.ProcessEnv,
): FabricTools {
  let calls = 0;
  async function tool(
    program: Program,
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<string> {
    try {
      const { stdout } = await run(binaries.path(program), args, {
        cwd: topology.dir,
        // A tool outlives a launcher that is killed, and would go on writing keys: marked, the next one ends it.
        env: marked(topology.dir, `${program}-${process.pid}-${++calls}`, {
          ...nodeEnvironment,
          ...environment,
        }),
        timeout: TOOL_TIMEOUT_MS,
        maxBuffer: 32 * 1024 * 1024,
      });
      return stdout;
    } catch (cause) {
      const { stderr = '', stdout = '' } = cause as { stderr?: string; stdout?: string };
      const said = `${stderr}${stdout}`.trim().split('\n').slice(-3).join(' · ');
      throw new NetworkError(
        'ERR_NETWORK_TOOL',
        `${program} ${args.slice(0, 3).join(' ')}: ${said === '' ? String(cause) : said}`,
        { program },
        { cause },
      );
    }
  }

  return {
    async generateCrypto(configurationFile) {
      await tool('cryptogen', [
        'generate',
        `--config=${configurationFile}`,
        `--output=${topology.cryptoDir}`,
      ]);
    },
    async generateGenesisBlock() {
      const args = ['-profile', PROFILE, '-channelID', topology.channel];
      await tool(
        'configtxgen',
        [...args, '-outputBlock', topology.genesisBlock, '-configPath', topology.dir],
        { FABRIC_CFG_PATH: topology.dir },
      );
    },
    participation({ orderer }, ...args) {
      return tool('osnadmin', [
        'channel',
        ...args,
        '-o',
        `${HOST}:${orderer.adminPort}`,
        '--ca-file',
        join(orderer.cryptoDir, 'tls', 'ca.crt'),
        '--client-cert',
        join(orderer.adminTlsDir, 'client.crt'),
        '--client-key',
        join(orderer.adminTlsDir, 'client.key'),
      ]);
    },
    peer({ peer, adminMsp }, ...args) {
      return tool('peer', args, {
        FABRIC_CFG_PATH: peer.dir,
        FABRIC_LOGGING_SPEC: 'error',
        CORE_PEER_MSPCONFIGPATH: adminMsp,
      });
    },
  };
}

/** Arguments that send to the first orderer, which leads after genesis; others wait for it to forward. */
export function toOrderer({ hospitals }: Topology): string[] {
  const { orderer } = hospitals[0]!;
  return [
    '-o',
    `${HOST}:${orderer.port}`,
    '--tls',
    '--cafile',
    join(orderer.cryptoDir, 'tls', 'ca.crt'),
  ];
}

/** Arguments that ask the peers of the first `count` hospitals to endorse. */
export function toPeers({ hospitals }: Topology, count: number): string[] {
  return hospitals
    .slice(0, count)
    .flatMap(({ peer }) => [
      '--peerAddresses',
      `${HOST}:${peer.port}`,
      '--tlsRootCertFiles',
      join(peer.cryptoDir, 'tls', 'ca.crt'),
    ]);
}
