/**
 * One chaotic run: real processes, seeded faults, a calm end, and a verdict on what is left on disk.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../demo/ports.js';
import { Child } from './child.js';
import { describeFault, faultsOf, type Fault } from './faults.js';
import { openFaultyLink, SOUND, type FaultyLink } from './faulty-link.js';
import { judge, type Verdict } from './invariants.js';
import { CHAOS_POLICY, writeWorld } from './world.js';

export interface RunOptions {
  readonly seed: number;
  /** Slots under fire. */
  readonly slots: number;
  readonly keep: boolean;
}

export interface RunResult extends Verdict {
  readonly seed: number;
  readonly ok: boolean;
  readonly seconds: number;
  readonly faults: readonly string[];
  /** Where the state is, if it was kept. */
  readonly folder: string | null;
}

const NODES = ['H1', 'H2', 'H3'];
const FAULTS_PER_SLOT = 3;
/** From the start of the processes until every node has been heard. */
const START_MS_MAX = 90_000;
/** Calm slots after the last fault within which a round must seal. */
const CALM_SLOTS_MAX = 6;

export async function runSeed(o: RunOptions): Promise<RunResult> {
  const startedAtMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), `bhs-chaos-${o.seed}-`));
  const [federationPort, httpPort, ...linkPorts] = await freePorts(2 + NODES.length);
  const world = await writeWorld({
    folder,
    seed: o.seed,
    nodes: NODES,
    federationPort: federationPort!,
    httpPort: httpPort!,
    linkPorts,
    nowMs: Date.now(),
    optimiser: o.seed % 2 === 0 ? { rule: 'fedavg' } : { rule: 'fedavgm', momentum: [9, 10] },
  });
  const links = new Map<string, FaultyLink>();
  for (const [index, nodeId] of NODES.entries()) {
    const link = await openFaultyLink({ port: linkPorts[index]!, targetPort: federationPort! });
    links.set(nodeId, link);
  }
  const children = new Map(
    [world.orchestrator, ...world.nodes].map((file) => [
      file.name,
      new Child(file, join(folder, `${file.name}.log`)),
    ]),
  );
  const faults = faultsOf({
    seed: o.seed,
    nodes: NODES,
    spanMs: o.slots * CHAOS_POLICY.slotLengthMs,
    count: o.slots * FAULTS_PER_SLOT,
  });
  const broken: string[] = [];
  try {
    for (const child of children.values()) child.start();
    const all = async (): Promise<boolean> => (await heardCount(httpPort!)) === NODES.length;
    if (!(await until(all, START_MS_MAX))) broken.push('not every node was heard at the start');
    const slotMs = CHAOS_POLICY.slotLengthMs;
    const fireMs = Math.ceil(Date.now() / slotMs) * slotMs;
    await Promise.all(
      faults.map(async (fault) => {
        await sleep(fireMs + fault.atMs - Date.now());
        await inflict(fault, children, links);
      }),
    );
    await sleep(Math.max(0, fireMs + o.slots * slotMs - Date.now()));
    for (const link of links.values()) link.set(SOUND);
    if (!(await sealsAgain(httpPort!))) {
      broken.push(`no round was sealed within ${CALM_SLOTS_MAX} slots after the last fault`);
    }
  } finally {
    for (const child of children.values()) {
      const code = await Promise.race([child.kill('SIGTERM'), sleep(12_000, 'late' as const)]);
      if (code === 'late') {
        broken.push(`${child.name} did not stop`);
        await child.kill('SIGKILL');
      } else if (code !== 0 && code !== null) {
        broken.push(`${child.name} ended with ${code}`);
      }
      broken.push(...child.unexpected);
      if (child.pid !== null) broken.push(`${child.name} is left running`);
    }
    for (const link of links.values()) await link.close();
  }
  const verdict = await judge({
    orchestratorConfig: world.orchestrator.config,
    nodes: NODES,
    ledgerFile: world.ledgerFile,
  }).catch((cause: unknown) => unreadable(cause));
  const all = [...broken, ...verdict.broken];
  const ok = all.length === 0;
  const kept = o.keep || !ok;
  if (!kept) rmSync(folder, { recursive: true, force: true });
  return {
    ...verdict,
    broken: all,
    seed: o.seed,
    ok,
    seconds: Math.round((Date.now() - startedAtMs) / 100) / 10,
    faults: faults.map(describeFault),
    folder: kept ? folder : null,
  };
}

/** A state that cannot even be read is a verdict, too. */
function unreadable(cause: unknown): Verdict {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return { sealed: 0, skipped: 0, aborted: 0, debits: 0, broken: [`unreadable: ${reason}`] };
}

async function inflict(
  fault: Fault,
  children: ReadonlyMap<string, Child>,
  links: ReadonlyMap<string, FaultyLink>,
): Promise<void> {
  switch (fault.kind) {
    case 'kill': {
      const child = children.get(fault.target)!;
      await child.kill();
      await sleep(fault.forMs);
      child.start();
      return;
    }
    case 'freeze': {
      const child = children.get(fault.target)!;
      child.freeze();
      await sleep(fault.forMs);
      child.thaw();
      return;
    }
    case 'cut':
    case 'corrupt':
    case 'slow': {
      const link = links.get(fault.node)!;
      link.set(
        fault.kind === 'slow'
          ? { ...SOUND, delayMs: fault.delayMs, bytesPerSecond: fault.bytesPerSecond }
          : { ...SOUND, [fault.kind]: true },
      );
      await sleep(fault.forMs);
      link.set(SOUND);
    }
  }
}

async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const giveUpMs = Date.now() + timeoutMs;
  while (Date.now() < giveUpMs) {
    if (await condition()) return true;
    await sleep(200);
  }
  return false;
}

async function sealsAgain(httpPort: number): Promise<boolean> {
  let before: number | null = null;
  return until(async () => {
    const now = (await statusOf(httpPort))?.rounds.sealed ?? null;
    before ??= now;
    return now !== null && before !== null && now > before;
  }, CALM_SLOTS_MAX * CHAOS_POLICY.slotLengthMs);
}

async function heardCount(httpPort: number): Promise<number> {
  const status = await statusOf(httpPort);
  return status?.nodes.filter((each) => each.lastSeenMs > 0).length ?? 0;
}

interface Status {
  readonly rounds: { readonly sealed: number };
  readonly nodes: readonly { readonly lastSeenMs: number }[];
}

/** As the running process says; null while it does not answer. */
async function statusOf(httpPort: number): Promise<Status | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/status`, {
      signal: AbortSignal.timeout(2_000),
    });
    return (await answer.json()) as Status;
  } catch {
    return null;
  }
}
