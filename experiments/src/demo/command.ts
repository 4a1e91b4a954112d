/** From arguments to an exit status: 0 all hops hold, 1 some do not, 2 it could not run, 64 wrong usage. @module */
import { writeFileSync } from 'node:fs';
import { ExperimentError } from '../errors.js';
import { verifyState } from '../verify/index.js';
import { DEMO_HELP, parseDemoFlags, type DemoCommand } from './flags.js';
import { createNarrator } from './narrator.js';
import { prepareFolders, runDemo, type DemoRun } from './run.js';
import { lockState, statePaths, type StateLock, type StatePaths } from './state-directory.js';
import { pageOf, summarise } from './summary.js';

const EXIT = { ok: 0, claimsFailed: 1, failed: 2, usage: 64 } as const;

export async function demo(argv: readonly string[]): Promise<number> {
  let command: DemoCommand;
  try {
    command = parseDemoFlags(argv);
  } catch (error) {
    complain(error);
    return EXIT.usage;
  }
  if (command.kind === 'help') {
    process.stdout.write(DEMO_HELP);
    return EXIT.ok;
  }
  try {
    return command.kind === 'verify'
      ? await conclude(statePaths(command.stateDir), null, command.json)
      : await runAndConclude(command.flags);
  } catch (error) {
    complain(error);
    return EXIT.failed;
  }
}

async function runAndConclude(
  flags: Extract<DemoCommand, { kind: 'run' }>['flags'],
): Promise<number> {
  const startedAtMs = Date.now();
  const paths = statePaths(flags.stateDir);
  const talk = flags.json ? process.stderr : process.stdout;
  const narrator = createNarrator({
    write: (line) => talk.write(line),
    elapsedMs: () => Date.now() - startedAtMs,
    colour: talk.isTTY && process.env['NO_COLOR'] === undefined,
  });
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) return;
    narrator.say('stop', 'stopping; the state stays and can be resumed');
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const lock: StateLock = lockState(paths, process.pid);
  let run: DemoRun | null = null;
  try {
    prepareFolders(paths);
    run = await runDemo({
      flags,
      paths,
      narrator,
      startedAtMs,
      stop: stop.signal,
      environment: childEnvironment(),
    });
  } catch (error) {
    // Ctrl-C before everything was up is no failure of anything.
    if (!(stop.signal.aborted && error instanceof ExperimentError)) throw error;
  } finally {
    lock.release();
  }
  if (run === null || (stop.signal.aborted && !flags.json)) {
    narrator.say(
      'stop',
      `stopped; check what is on disk with: npm run demo -- --verify ${flags.stateDir}`,
    );
    return EXIT.ok;
  }
  return await conclude(paths, run, flags.json);
}

async function conclude(paths: StatePaths, run: DemoRun | null, json: boolean): Promise<number> {
  const report = await verifyState(paths);
  const summary = summarise(report, run?.figures ?? null, paths.root);
  if (run !== null) writeFileSync(paths.summary, `${JSON.stringify(summary, null, 2)}\n`);
  (json ? process.stderr : process.stdout).write(pageOf(summary, report));
  if (json) await writeOut(`${JSON.stringify(summary)}\n`);
  return report.ok ? EXIT.ok : EXIT.claimsFailed;
}

/** A pipe may take its time; exit only after it has taken everything. */
function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
}

/** Children see the machine, not the caller's configuration: nothing of ours is read from the environment in a demo. */
function childEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'SystemRoot', 'XDG_CACHE_HOME'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function complain(error: unknown): void {
  const code = (error as { code?: unknown }).code;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${typeof code === 'string' ? `${code}: ` : ''}${message}\n`);
  if (typeof code !== 'string' && error instanceof Error && error.stack !== undefined) {
    process.stderr.write(`${error.stack}\n`);
  }
}
