/** `docs/reference/cli.md`: every program and what it says under `--help`. @module */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { CommandHelp } from './capture-help.js';
import { fenced, generatedPage } from './markdown.js';
import { ROOT } from './repository.js';

interface Program {
  readonly title: string;
  readonly file: string;
  /** Whether it is made with commander, so that its commands can be listed. */
  readonly hasCommands: boolean;
  readonly start: string;
}

const PROGRAMS: readonly Program[] = [
  {
    title: 'bhs-node',
    file: 'hospital-node/bin/bhs-node.js',
    hasCommands: true,
    start: 'npx bhs-node',
  },
  {
    title: 'bhs-orchestrator',
    file: 'orchestrator/bin/bhs-orchestrator.js',
    hasCommands: true,
    start: 'npx bhs-orchestrator',
  },
  { title: 'bhs-dp', file: 'dp/bin/bhs-dp.js', hasCommands: false, start: 'npx bhs-dp' },
  {
    title: 'experiment',
    file: 'experiments/bin/bhs-experiment.js',
    hasCommands: true,
    start: 'npm run experiment --',
  },
  {
    title: 'demo',
    file: 'experiments/dist/demo/main.js',
    hasCommands: false,
    start: 'npm run demo --',
  },
  {
    title: 'fabric',
    file: 'chaincode-hooks/dist/network/cli.js',
    hasCommands: true,
    start: 'npm run fabric --',
  },
  {
    title: 'chaos',
    file: 'experiments/dist/chaos/main.js',
    hasCommands: true,
    start: 'npm run chaos --',
  },
];

export function cliReference(): string {
  return generatedPage('Command lines', 'what each program says under `--help`', [
    'Results go to standard output, talk to standard error. Exit status of `bhs-node`: 0 fine, 1 a warning or a refusal, 2 a failure, 64 wrong usage.',
    ...PROGRAMS.flatMap((program) => [
      `## ${program.title}`,
      `Started with \`${program.start}\` in a clone.`,
      ...helpsOf(program).flatMap(({ name, help }) =>
        name === program.title ? [fenced(help)] : [`### ${name}`, fenced(help)],
      ),
    ]),
  ]);
}

function helpsOf({ file, title, hasCommands }: Program): readonly CommandHelp[] {
  // As the programs themselves, as it was built.
  const capture = join(ROOT, 'experiments', 'dist', 'docs', 'capture-help.js');
  const argv = hasCommands ? ['--import', capture, file] : [file, '--help'];
  const out = execFileSync(process.execPath, argv, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return hasCommands ? (JSON.parse(out) as CommandHelp[]) : [{ name: title, help: out }];
}
