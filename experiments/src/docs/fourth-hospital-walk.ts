/**
 * The operator's tutorial, typed by a script without pauses: a fourth hospital joins a demo that runs, and leaves. The test
 * `fourth-hospital.e2e` types the same and looks closer.
 * @module
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningDemo, Watch } from './walk.js';

const ROUND_MS = 300_000;

interface Findings {
  readonly findings: readonly { readonly state: string }[];
}

export async function walkAsOperator(o: {
  readonly root: string;
  readonly demo: RunningDemo;
  readonly watch: Watch;
}): Promise<void> {
  const { root, demo, watch } = o;
  const home = mkdtempSync(join(tmpdir(), 'bhs-h4-'));
  const program = {
    node: join(root, 'hospital-node', 'bin', 'bhs-node.js'),
    orchestrator: join(root, 'orchestrator', 'bin', 'bhs-orchestrator.js'),
    spare: join(root, 'experiments', 'dist', 'demo', 'spare.js'),
  };
  /** What it printed; a doctor that warns and a join that waits end with 1. */
  const type = (name: keyof typeof program, ...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [program[name], ...args], (error, stdout, stderr) => {
        if (error === null || (error.code === 1 && stdout !== '')) resolve(stdout);
        else reject(new Error(`${name} ${args.join(' ')}: ${stdout}${stderr}`));
      });
    });
  const federation = ['--config', join(demo.stateDir, 'orchestrator', 'config.json')];
  const hospital = ['--config', join(home, 'node.yaml')];

  await type('spare', '--state', demo.stateDir, '--out', home);
  watch.step("the hospital's own files are there");
  const mspRoot = join(demo.stateDir, 'ledger', 'msp', 'H4MSP', 'ca.pem');
  const invite = ['invite', 'H4', '--msp', 'H4MSP', '--msp-root', mspRoot, '--by', 'ana'];
  const invitation = (await type('orchestrator', ...invite, ...federation)).trim();
  watch.step('invited');
  const asked = JSON.parse(
    await type('node', 'join', invitation, '--wait-minutes', '0', '--json', ...hospital),
  ) as { fingerprint: string };
  const [request] = JSON.parse(
    await type('orchestrator', 'requests', '--json', ...federation),
  ) as readonly { requestId: string; fingerprint: string }[];
  if (request?.fingerprint !== asked.fingerprint) throw new Error('join: the digits differ');
  watch.step('request filed, digits compared');
  const joining = type('node', 'join', ...hospital);
  const { requestId, fingerprint } = request;
  const approve = ['approve', requestId, '--fingerprint', fingerprint, '--by', 'ben'];
  await type('orchestrator', ...approve, ...federation);
  await joining;
  watch.step('approved, joined');
  const node = spawn(process.execPath, [program.node, 'run', ...hospital], { stdio: 'ignore' });
  const ended = new Promise((resolve) => node.once('close', resolve));
  try {
    const deadline = Date.now() + ROUND_MS;
    for (;;) {
      const rounds = JSON.parse(
        await type('orchestrator', 'rounds', '--json', ...federation),
      ) as readonly { accepted: unknown }[];
      if (rounds.some(({ accepted }) => JSON.stringify(accepted).includes('"H4"'))) break;
      if (Date.now() > deadline) throw new Error('no round with an update of H4');
      await new Promise((wake) => setTimeout(wake, 1_000));
    }
    watch.step('an accepted update of H4');
    const { findings } = JSON.parse(
      await type('node', 'doctor', '--json', ...hospital),
    ) as Findings;
    const count = (state: string): number => findings.filter((each) => each.state === state).length;
    watch.step(
      `doctor: ${count('PASS')} passed, ${count('WARN')} warned, **${count('FAIL')} failed**, ${count('SKIP')} skipped`,
    );
    await type('node', 'verify-round', 'last', ...hospital);
    watch.step('`verify-round last`: equal to the bit');
    await type('node', 'leave', '--reason', 'end of the tutorial', '--yes', ...hospital);
    watch.step('left the federation');
  } finally {
    node.kill('SIGTERM');
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
}
