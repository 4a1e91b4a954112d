/** `npm run fabric -- up|status|down|logs`: a real Fabric network on this machine. @module */
import { closeSync, existsSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { FABRIC_VERSION, binariesDir, fabricBinaries } from './binaries.js';
import { surroundings } from './config.js';
import { NetworkError } from './errors.js';
import { openNetwork } from './network.js';
import { runningProcesses, stopProcesses } from './processes.js';
import { readRecord, requireMarker, wipeDirectory } from './record.js';
import { HOST, type NetworkOptions } from './topology.js';

const EXIT = { failed: 1, usage: 64 } as const;
const around = surroundings();

interface UpFlags {
  readonly state: string;
  readonly orgs: number;
  readonly raft?: true;
  readonly portBase: number;
  readonly batchMs: number;
  readonly batchMessages: number;
}

const program = new Command('fabric')
  .description(`A real Hyperledger Fabric ${FABRIC_VERSION} network of plain processes on ${HOST}.`)
  .exitOverride()
  .showHelpAfterError('(--help lists what there is)');
const state = (): Option =>
  new Option('--state <dir>', 'home of keys, ledgers and logs').default(around.stateDir);
const whole = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : Number.NaN);

program
  .command('up')
  .description('make the network if there is none, start what does not run, wait until it commits')
  .addOption(state())
  .option('--orgs <n>', 'hospitals, each with a peer and an orderer', whole, 5)
  .option('--raft', 'crash-tolerant ordering instead of BFT; allows fewer than 4 hospitals')
  .option('--port-base <port>', 'first port; each hospital takes the next twenty', whole, 7050)
  .option('--batch-ms <ms>', 'a block is cut after so long', whole, 50)
  .option('--batch-messages <n>', 'or after so many transactions', whole, 200)
  .action(up);
program
  .command('status')
  .description('what runs, with memory, processor time and height')
  .addOption(state())
  .option('--json', 'one JSON object on standard output')
  .action(status);
program
  .command('down')
  .description('stop all processes of this network; the ledger stays')
  .addOption(state())
  .option('--wipe', 'and remove keys, ledgers and logs')
  .action(down);
program
  .command('logs')
  .description('the last lines of the logs')
  .argument('[name]', 'a process, e.g. peer1; all when absent')
  .addOption(state())
  .option('--lines <n>', 'lines of each', whole, 20)
  .action(logs);

async function up(flags: UpFlags): Promise<void> {
  const startedMs = performance.now();
  const say = (what: string): void => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    process.stdout.write(`${seconds.padStart(7)} s  ${what}\n`);
  };
  const binaries = await fabricBinaries(around, (dir) => {
    say(`building Fabric ${FABRIC_VERSION} with Go into ${dir}; a cold build takes minutes`);
  });
  if (binaries.buildMs !== null) say('Fabric programs built');
  const options: NetworkOptions = {
    dir: resolve(flags.state),
    hospitalCount: flags.orgs,
    ordering: flags.raft === true ? 'raft' : 'bft',
    portBase: flags.portBase,
    batch: { timeoutMs: flags.batchMs, messagesMax: flags.batchMessages },
  };
  const isNew = readRecord(options.dir) === null;
  const network = await openNetwork(options, binaries, around);
  const { hospitals, majority, ordering, logDir, channel } = network.topology;
  if (isNew) say('keys, genesis block and configurations made');
  await network.up({ onStep: say });
  const quorum = ordering === 'bft' ? 'SmartBFT' : 'Raft (no Byzantine tolerance)';
  process.stdout.write(
    [
      '',
      `channel ${channel}: ${hospitals.length} hospitals, ${quorum}, endorsement ${majority} of ${hospitals.length}`,
      ...hospitals.map(
        ({ mspId, peer, orderer }) =>
          `  ${mspId}  gateway ${HOST}:${peer.port}  orderer ${HOST}:${orderer.port}`,
      ),
      `keys       ${network.topology.cryptoDir}`,
      `logs       ${logDir}`,
      `programs   ${binariesDir(around.cacheDir)}`,
      'stop with  npm run fabric -- down [--wipe]',
      '',
    ].join('\n'),
  );
}

async function status(flags: { readonly state: string; readonly json?: true }): Promise<void> {
  const dir = resolve(flags.state);
  const topology = readRecord(dir);
  const running = runningProcesses(dir);
  const heights = new Map(
    await Promise.all(
      (topology?.hospitals ?? []).map(
        async ({ peer }) => [peer.name, await heightOf(peer.operationsPort)] as const,
      ),
    ),
  );
  const processes = [...running.values()]
    .map((each) => ({ ...each, height: heights.get(each.name) ?? null }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const residentMb = processes.reduce((sum, each) => sum + each.residentMb, 0);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ dir, made: topology !== null, processes })}\n`);
    return;
  }
  if (topology === null) process.stdout.write(`no network in ${dir}\n`);
  for (const { name, pid, residentMb: mb, cpuSeconds, height } of processes) {
    const facts = [`pid ${pid}`, `${mb} MiB`, `${cpuSeconds.toFixed(1)} s CPU`];
    if (height !== null) facts.push(`height ${height}`);
    process.stdout.write(`${name.padEnd(12)} ${facts.join('  ')}\n`);
  }
  process.stdout.write(`${processes.length} processes, ${residentMb} MiB resident, state ${dir}\n`);
}

async function heightOf(operationsPort: number): Promise<number | null> {
  try {
    const url = `http://${HOST}:${operationsPort}/metrics`;
    const text = await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
    const found = /^ledger_blockchain_height\{[^}]*\} (\d+)$/m.exec(text)?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    return null; // it does not run, or is only starting
  }
}

async function down(flags: { readonly state: string; readonly wipe?: true }): Promise<void> {
  const dir = resolve(flags.state);
  const names = [...runningProcesses(dir).keys()];
  const killed = await stopProcesses(dir, names);
  process.stdout.write(`${names.length} processes stopped\n`);
  if (killed.length > 0) process.stdout.write(`had to be killed: ${killed.join(', ')}\n`);
  if (flags.wipe === true && existsSync(dir)) {
    wipeDirectory(dir);
    process.stdout.write(`${dir} removed\n`);
  }
}

function logs(
  name: string | undefined,
  flags: { readonly state: string; readonly lines: number },
): void {
  const dir = resolve(flags.state);
  requireMarker(dir);
  const logDir = join(dir, 'log');
  const files = existsSync(logDir) ? readdirSync(logDir).sort() : [];
  const wanted = name === undefined ? files : files.filter((file) => file === `${name}.log`);
  if (wanted.length === 0) {
    const known = files.map((file) => file.replace(/\.log$/, '')).join(', ');
    throw new NetworkError(
      'ERR_NETWORK_PROCESS',
      `${name ?? 'logs'}: no log; there are: ${known === '' ? 'none' : known}`,
      { process: name ?? null },
    );
  }
  for (const file of wanted) {
    const text = tail(join(logDir, file)).split('\n').slice(-flags.lines).join('\n');
    process.stdout.write(`==> ${join(logDir, file)}\n${text}${text === '' ? '' : '\n'}`);
  }
}

const TAIL_BYTES = 256 * 1024;

function tail(file: string): string {
  const { size } = statSync(file);
  const length = Math.min(size, TAIL_BYTES);
  const bytes = Buffer.alloc(length);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, bytes, 0, length, size - length);
  } finally {
    closeSync(handle);
  }
  return bytes.toString('utf8').trimEnd();
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  } else {
    const code = error instanceof NetworkError ? `${error.code}: ` : '';
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${code}${message}\n`);
    process.exitCode = EXIT.failed;
  }
}
