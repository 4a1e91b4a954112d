/**
 * The main job, from a hospital's log line to a human decision, as processes on this machine.
 * @module
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { addPerson, openNodeDatabase } from '@bhschain/hospital-node';
import { provisionNode, writeIdentity } from '@bhschain/orchestrator';
import { ExperimentError } from '../errors.js';
import {
  FEDERATION_ID,
  moduleOf,
  orchestratorConfigFile,
  writeConfiguration,
  type Ports,
  type Specs,
} from './configuration.js';
import type { DemoFlags } from './flags.js';
import { readIncidents, readOutcomes, type Outcome } from './journal.js';
import { createLedger, openLedger } from './ledger.js';
import type { DemoLedger, LedgerOptions } from './ledger-plan.js';
import type { Narrator } from './narrator.js';
import { freePorts, pagePorts } from './ports.js';
import { createSupervisor, type ProcessMessage, type Supervisor } from './processes.js';
import { ADMINISTRATOR, PEOPLE, provisionIdentities } from './provision.js';
import { planRounds } from './round-policy.js';
import { readRuntimeFigures, type RuntimeFigures } from './runtime-figures.js';
import {
  createReviewers,
  isConnectionFailure,
  type Reviewer,
  type Verdict,
} from './scripted-people.js';
import {
  STATE_VERSION,
  clearUnfinishedSetup,
  readDemoRecord,
  type DemoRecord,
  type StatePaths,
} from './state-directory.js';
import { discardStrangeUpdate, strangeUpdateNote } from './strange-update.js';
import { createWorld, writeWorld } from './world.js';

const OVERALL_TIMEOUT_MS = 15 * 60_000;
/** Until the last of a start's steps is through; a machine with other work takes minutes. */
const START_TIMEOUT_MS = 5 * 60_000;
const POLL_MS = 500;
/** Of one incident's holds the scripted people decide so many; the others stay pending, and pending windows never train. */
const DECISIONS_PER_INCIDENT_MAX = 4;

export interface DemoRun {
  readonly record: DemoRecord;
  readonly figures: RuntimeFigures;
}

export interface DemoContext {
  readonly flags: DemoFlags;
  readonly paths: StatePaths;
  readonly narrator: Narrator;
  readonly startedAtMs: number;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly stop: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
}

interface Account {
  readonly nodeId: string;
  readonly url: string;
  readonly people: readonly {
    readonly name: string;
    readonly role: string;
    readonly password: string;
  }[];
}

/** What the processes have reported so far; decoration for people, the truth lies on disk. */
interface Progress {
  readonly activeDetectors: Set<number>;
  readonly enrolled: Set<string>;
  caughtUp: boolean;
  /** An update waits for people, or did. */
  setAside: boolean;
  firstQuarantineMs: number | null;
  quarantines: number;
}

/**
 * Runs until everything that was asked for has happened (`--exit`) or until it is stopped.
 *
 * @throws {ExperimentError} `ERR_DEMO_…`; errors of the rooms as they are
 */
export async function runDemo(o: DemoContext): Promise<DemoRun> {
  const made = readDemoRecord(o.paths);
  if (made !== null) requireSameFlags(o, made);
  const pages = await pagePorts(o.flags.port, o.flags.hospitals);
  const { record, ledger } =
    made === null
      ? await setUp(o)
      : { record: made, ledger: await openLedger(ledgerOptions(o, made)) };
  const progress: Progress = {
    activeDetectors: new Set(),
    enrolled: new Set(),
    caughtUp: false,
    setAside: false,
    firstQuarantineMs: null,
    quarantines: 0,
  };
  const supervisor = createSupervisor({
    logDir: o.paths.processes,
    environment: o.environment,
    now: () => Date.now(),
    onMessage: (name, message) => onMessage(o, progress, name, message),
    onRestart: (name, why) => o.narrator.warn(`${name} ended (${why}) and is started again`),
  });
  try {
    return await Promise.race([
      serve(o, record, ledger, pages, supervisor, progress),
      supervisor.failed,
    ]);
  } finally {
    const killed = await supervisor.stop();
    if (killed.length > 0) o.narrator.warn(`had to be killed: ${killed.join(', ')}`);
  }
}

function ledgerOptions(
  { paths, narrator }: DemoContext,
  { ledger: kind, hospitals }: Pick<DemoRecord, 'ledger' | 'hospitals'>,
): LedgerOptions {
  return { kind, paths, hospitals, narrator };
}

async function setUp(
  o: DemoContext,
): Promise<{ readonly record: DemoRecord; readonly ledger: DemoLedger }> {
  const { flags, paths, narrator } = o;
  clearUnfinishedSetup(paths);
  const world = await createWorld(flags);
  writeWorld(paths, world);
  const { strangeUpdate } = flags;
  const notes = [
    ...world.notes,
    ...(strangeUpdate === null ? [] : [strangeUpdateNote(strangeUpdate)]),
  ];
  for (const note of notes) narrator.say('logs', note);
  const incidents = world.consortium.truth.length;
  narrator.say(
    'logs',
    `${world.consortium.hospitals.length} hospitals, ${world.selection.callCount} live calls to come, ${incidents} incidents planted`,
  );
  const nowMs = Date.now();
  const kind = flags.fabric ? 'fabric' : 'development';
  const hospitals = world.consortium.hospitals.map((hospital) => hospital.nodeId);
  const ledger = await createLedger(ledgerOptions(o, { ledger: kind, hospitals }), nowMs);
  provisionIdentities(paths, world.consortium, ledger);
  for (const hospital of world.consortium.hospitals) {
    const identity = await provisionNode({
      caDir: join(paths.orchestrator, 'ca'),
      federationId: FEDERATION_ID,
      nodeId: hospital.nodeId,
      nowMs,
    });
    writeIdentity(paths.hospital(hospital.nodeId), identity);
  }
  const { vocabulary } = world.consortium;
  const record: DemoRecord = {
    stateVersion: STATE_VERSION,
    ledger: kind,
    seed: flags.seed,
    hospitals,
    source: world.source,
    rounds: flags.rounds,
    ...planRounds({ nowMs: Date.now(), ledger: kind, reviewed: strangeUpdate !== null }),
    strangeUpdate,
    days: flags.days,
    liveFromMs: world.consortium.liveFromMs,
    vocabulary:
      vocabulary === null ? null : { hash: vocabulary.hash, size: vocabulary.activities.length },
    timeGranularity: world.timeGranularity,
    liveCallCount: world.selection.callCount,
    notes,
  };
  // Written last: a folder without it was never finished.
  writeFileSync(paths.demo, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  return { record, ledger };
}

function requireSameFlags({ flags, paths }: DemoContext, record: DemoRecord): void {
  const asked = { hospitals: flags.hospitals, rounds: flags.rounds, seed: flags.seed };
  const made = { hospitals: record.hospitals.length, rounds: record.rounds, seed: record.seed };
  for (const name of ['hospitals', 'rounds', 'seed'] as const) {
    if (asked[name] !== made[name]) {
      throw new ExperimentError(
        'ERR_DEMO_STATE_FLAGS',
        `${paths.root} was made with --${name} ${made[name]}, got ${asked[name]}; use the same flags to resume it, or another folder with --state`,
        { flag: name, made: made[name], asked: asked[name] },
      );
    }
  }
  if (flags.fabric !== (record.ledger === 'fabric')) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_FLAGS',
      `${paths.root} was made ${flags.fabric ? 'without' : 'with'} --fabric; use the same flags to resume it, or another folder with --state`,
      { flag: 'fabric' },
    );
  }
  if (flags.strangeUpdate !== record.strangeUpdate) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_FLAGS',
      `${paths.root} was made ${record.strangeUpdate === null ? 'without --strange-update' : `with --strange-update ${record.strangeUpdate}`}; use the same flags to resume it, or another folder with --state`,
      { flag: 'strange-update' },
    );
  }
  const source = flags.log === null ? 'simulated' : 'log';
  if (record.source.kind !== source) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_FLAGS',
      `${paths.root} was made ${record.source.kind === 'log' ? `with --log ${record.source.file}` : 'without --log'}; use the same flags to resume it, or another folder with --state`,
      { flag: 'log' },
    );
  }
}

async function serve(
  o: DemoContext,
  record: DemoRecord,
  ledger: DemoLedger,
  pages: readonly number[],
  supervisor: Supervisor,
  progress: Progress,
): Promise<DemoRun> {
  const { narrator, paths } = o;
  const count = record.hospitals.length;
  const free = await freePorts(3);
  const ports: Ports = {
    federation: free[0]!,
    orchestratorHttp: free[1]!,
    enrolment: free[2]!,
    pages,
  };
  const plan = await ledger.plan();
  const specs: Specs = writeConfiguration({
    paths,
    hospitals: record.hospitals,
    ports,
    ledger: plan,
    rounds: record.rounds,
    policy: record.policy,
    strangeUpdate: record.strangeUpdate,
    liveFromMs: record.liveFromMs,
    originSlot: record.originSlot,
    vocabulary: record.vocabulary,
    timeGranularity: record.timeGranularity,
  });
  const majority = Math.floor(count / 2) + 1;
  narrator.say('ledger', plan.banner);
  await Promise.all(plan.processes.map((spec) => supervisor.start(spec)));
  if (ledger.kind === 'fabric') narrator.say('ledger', 'the network commits transactions');
  const hospitalsStarted = Promise.all(specs.hospitals.map((spec) => supervisor.start(spec)));
  hospitalsStarted.catch(() => undefined); // awaited below; it may fail while the orchestrator still starts
  await supervisor.start(specs.orchestrator);
  narrator.say(
    'federation',
    `orchestrator serves; slots of ${record.policy.slotLengthMs / 1000} s, quorum ${majority} of ${count}, ${record.rounds} rounds`,
  );
  await hospitalsStarted;
  const accounts = await openAccounts(o, record, pages);
  await until(o, 'detector 0 to be attested and active', () => progress.activeDetectors.size > 0);
  await until(o, "every hospital's actors to be enrolled", () => progress.enrolled.size === count);
  await supervisor.start(specs.ehrGateway);
  narrator.say(
    'scoring',
    `EHR gateway submits ${record.liveCallCount} calls, each under its actor's own certificate`,
  );
  announce(o, accounts);
  await announceDashboard(o, record, ports);

  if (o.flags.exit) {
    const reserve: Reserve = { txId: null, verdict: null };
    const reviewers = accounts.map((account) => reviewerOf(o, account, reserve));
    await finishJob(o, record, ports, { reviewers, reserve }, progress);
  } else {
    await untilStopped(o.stop);
  }
  return {
    record,
    figures: await readRuntimeFigures({
      chaincodeMetricsPorts: plan.chaincodeMetricsPorts,
      firstQuarantineMs: progress.firstQuarantineMs,
      residentMb: supervisor.peakResidentMb() + plan.otherResidentMb(),
      restarts: supervisor.restartCount(),
    }),
  };
}

function onMessage(
  o: DemoContext,
  progress: Progress,
  name: string,
  message: ProcessMessage,
): void {
  if (message.type !== 'hop') return;
  const { narrator } = o;
  const facts = message as Readonly<Record<string, string | number | null>>;
  switch (facts['hop']) {
    case 'enrolled':
      progress.enrolled.add(name);
      narrator.say(
        'profiles',
        `${name} enrolled ${String(facts['actors'])} actors with the profile of their history`,
      );
      return;
    case 'debited':
      narrator.say(
        'training',
        `${name} debited its privacy ledger for slot ${String(facts['slotIndex'])}, then trained`,
      );
      return;
    case 'released':
      narrator.say('training', `${name} persisted its noised update`);
      return;
    case 'attested':
      narrator.say(
        'detector',
        `${name} verified and attested detector ${String(facts['version'])}`,
      );
      return;
    case 'refused':
      if (facts['code'] === 'ERR_DETECTOR_DECIDED') return; // the others were a majority already
      narrator.warn(
        `${name} refused detector ${String(facts['version'])}: ${String(facts['code'])}`,
      );
      return;
    case 'detector':
      if (facts['state'] === 'active') progress.activeDetectors.add(Number(facts['version']));
      if (typeof facts['version'] === 'number') {
        narrator.say('detector', `version ${facts['version']}: ${String(facts['state'])}`);
      }
      return;
    case 'round':
      if (name === 'orchestrator') onRound(o, facts);
      else if (facts['outcome'] === 'quarantined') onSetAside(o, progress, name);
      return;
    case 'caught-up':
      if (progress.caughtUp) return;
      progress.caughtUp = true;
      narrator.say('scoring', 'every line of the live part has gone through the ledger');
      return;
    case 'call':
    case 'resubmission':
    case 'probe':
      onOutcome(o, progress, facts);
      return;
    default:
  }
}

function onRound(
  { narrator }: DemoContext,
  facts: Readonly<Record<string, string | number | null>>,
): void {
  const round = `round of slot ${String(facts['slotIndex'])}`;
  if (facts['phase'] === 'sealed') {
    narrator.say('federation', `${round} sealed, ${String(facts['accepted'])} updates averaged`);
  } else if (facts['phase'] === 'skipped' || facts['phase'] === 'aborted') {
    narrator.say('federation', `${round} ${facts['phase']}: ${String(facts['outcome'])}`);
  }
}

function onSetAside(o: DemoContext, progress: Progress, nodeId: string): void {
  progress.setAside = true;
  o.narrator.say(
    'federation',
    `the screening set the update of ${nodeId} aside: two people of two hospitals release or discard it on the dashboard, under Quarantine, or it is left out`,
  );
}

function onOutcome(
  o: DemoContext,
  progress: Progress,
  facts: Readonly<Record<string, string | number | null>>,
): void {
  const { narrator } = o;
  if (facts['hop'] === 'resubmission') {
    narrator.say(
      'review',
      `${String(facts['hospital'])}: released call resubmitted by its actor: ${String(facts['disposition'])}`,
    );
    return;
  }
  if (facts['hop'] === 'probe') {
    narrator.say(
      'review',
      `${String(facts['hospital'])}: the same grant a second time, on purpose: ${String(facts['disposition'])}`,
    );
    return;
  }
  if (facts['disposition'] !== 'quarantined') return;
  progress.quarantines++;
  if (progress.firstQuarantineMs === null) {
    progress.firstQuarantineMs = Date.now() - o.startedAtMs;
    narrator.say(
      'scoring',
      `first quarantine, at ${String(facts['hospital'])}: ${String(facts['quarantineId']).slice(0, 12)}…`,
    );
  } else if (progress.quarantines % 10 === 0) {
    narrator.say('scoring', `${progress.quarantines} calls in quarantine so far`);
  }
}

/** One-time passwords, made at every start and shown once; each person's key lies encrypted under hers. */
async function openAccounts(
  { paths }: DemoContext,
  record: DemoRecord,
  pages: readonly number[],
): Promise<Account[]> {
  const accounts: Account[] = [];
  for (const [index, nodeId] of record.hospitals.entries()) {
    const home = paths.hospital(nodeId);
    const people = [];
    const database = await openNodeDatabase({ file: join(home, 'node.sqlite') });
    for (const person of PEOPLE) {
      const password = `${randomBytes(3).toString('hex')}-${randomBytes(3).toString('hex')}`;
      await addPerson({
        database,
        name: person.name,
        role: person.role,
        password,
        mspId: `${nodeId}MSP`,
        certificatePem: readFileSync(join(home, 'people', `${person.name}.cert.pem`), 'utf8'),
        privateKeyPem: readFileSync(join(home, 'people', `${person.name}.key.pem`), 'utf8'),
        now: () => Date.now(),
      });
      people.push({ name: person.name, role: person.role, password });
    }
    await database.destroy();
    accounts.push({ nodeId, url: `http://127.0.0.1:${pages[index]!}`, people });
  }
  return accounts;
}

function announce({ narrator }: DemoContext, accounts: readonly Account[]): void {
  for (const account of accounts) {
    narrator.say(
      'review',
      `${account.nodeId} analyst page ${account.url}/  sign in: ${account.people
        .slice(0, 2)
        .map((person) => `${person.name} / ${person.password}`)
        .join('   second person: ')}`,
    );
    narrator.say(
      'review',
      `${account.nodeId} also: ${account.people
        .slice(2)
        .map((person) => `${person.role} ${person.name} / ${person.password}`)
        .join('   ')}`,
    );
  }
}

/** The operator comes from the verb that an administrator types; a resumed demonstration gives her a new password. */
async function announceDashboard(
  o: DemoContext,
  { hospitals, strangeUpdate }: DemoRecord,
  { orchestratorHttp }: Ports,
): Promise<void> {
  const name = 'olga';
  const { stdout } = await promisify(execFile)(process.execPath, [
    moduleOf('orchestrator', 'cli.js'),
    ...['operator', 'add', name, '--by', 'demo', '--json'],
    ...['--config', orchestratorConfigFile(o.paths)],
  ]);
  const { password } = JSON.parse(stdout) as { password: string };
  o.narrator.say(
    'federation',
    `dashboard http://127.0.0.1:${orchestratorHttp}/  reading needs no sign-in; operator: ${name} / ${password}`,
  );
  const [first, second] = hospitals.filter((nodeId) => nodeId !== strangeUpdate);
  const files = join(o.paths.hospital(first!), 'administrator', `${ADMINISTRATOR}.{cert,key}.pem`);
  o.narrator.say(
    'federation',
    `votes and signed words take two hospitals: sign as ${ADMINISTRATOR} of ${first!} with ${files}, then as ${ADMINISTRATOR} of ${second!} with hers`,
  );
}

interface FederationStatus {
  readonly rounds: { readonly sealed: number };
  readonly publication: { readonly backlog: number };
}

async function federationStatus(url: string): Promise<FederationStatus | null> {
  try {
    return (await (await fetch(url)).json()) as FederationStatus;
  } catch (error) {
    if (isConnectionFailure(error)) return null;
    throw error;
  }
}

/**
 * One hold of an incident is left for the end. If no benign call was held, nothing was released and no grant was seen at
 * work: then it is released as an exercise, and says so. Otherwise it is rejected like the others.
 */
interface Reserve {
  txId: string | null;
  verdict: Verdict | null;
}

function reviewerOf(o: DemoContext, account: Account, reserve: Reserve): Reviewer {
  const [first, second] = account.people;
  const incidents = readIncidents(o.paths);
  const guilty = new Map(
    incidents.flatMap((incident) =>
      incident.eventIds.map((eventId) => [eventId, incident] as const),
    ),
  );
  const decided = new Map<string, Set<string>>();
  return createReviewers({
    baseUrl: account.url,
    first: first!,
    second: second!,
    openPass: () => readOutcomes(o.paths).byTransaction,
    judge: (txId, outcomes) => {
      const outcome = outcomes.get(txId);
      if (outcome === undefined) return null;
      // A probe of a spent grant, or a call nobody planted anything in: ordinary work.
      const incident = guilty.get(outcome.eventId);
      if (incident === undefined) return benign(outcome);
      if (incident.expected === 'quarantined') reserve.txId ??= txId;
      if (txId === reserve.txId) return reserve.verdict;
      const holds = decided.get(incident.id) ?? new Set<string>();
      if (!holds.has(txId) && holds.size >= DECISIONS_PER_INCIDENT_MAX) return null;
      decided.set(incident.id, holds.add(txId));
      return attack(incident.kind);
    },
  });
}

function benign(outcome: Outcome): Verdict {
  return outcome.kind === 'probe'
    ? {
        action: 'reject',
        finding: 'duplicate',
        reason: 'The grant was used already; a second use is refused.',
      }
    : {
        action: 'release',
        finding: 'benign-expected',
        reason: 'Telephoned the ward: ordinary work of this person on this day.',
      };
}

const EXERCISE: Verdict = {
  action: 'release',
  finding: 'test',
  reason: 'Exercise: nothing benign was held, so this call shows what a release does.',
};

function attack(kind: string): Verdict {
  return {
    action: 'reject',
    finding: 'attack',
    reason: `Telephoned the ward: nobody there asked for this access (${kind}).`,
  };
}

/** `--exit`: decide holds as they come, until everything that was planned has happened. */
async function finishJob(
  o: DemoContext,
  record: DemoRecord,
  ports: Ports,
  { reviewers, reserve }: { readonly reviewers: readonly Reviewer[]; readonly reserve: Reserve },
  progress: Progress,
): Promise<void> {
  const { narrator } = o;
  const orchestrator = `http://127.0.0.1:${ports.orchestratorHttp}/api/v1/status`;
  const startedMs = Date.now();
  // Unanswered: an orchestrator that was killed comes back; until then what it last said holds.
  let status: FederationStatus = { rounds: { sealed: 0 }, publication: { backlog: 0 } };
  let idlePasses = 0;
  let judged = false;
  for (;;) {
    if (o.stop.aborted) return;
    if (progress.setAside && record.strangeUpdate !== null && !judged) {
      judged = true;
      await discardStrangeUpdate(o, record);
    }
    let decided = 0;
    let interrupted = false;
    for (const reviewer of reviewers) {
      const pass = await reviewer.decideOpenHolds();
      decided += pass.decided;
      interrupted ||= pass.interrupted;
    }
    status = (await federationStatus(orchestrator)) ?? status;
    const outcomes = readOutcomes(o.paths);
    const roundsDone = status.rounds.sealed >= record.rounds && status.publication.backlog === 0;
    const callsDone = progress.caughtUp && outcomes.callCount >= record.liveCallCount;
    const probed = outcomes.probeCount > 0;
    const quiet = decided === 0 && !interrupted && roundsDone && callsDone;
    if (quiet) {
      reserve.verdict ??= probed ? attack('left for last') : EXERCISE;
    }
    // Two quiet passes: a decision may still set off a resubmission, and that another hold.
    idlePasses = quiet && probed ? idlePasses + 1 : 0;
    if (idlePasses >= 3) break;
    if (Date.now() - startedMs > OVERALL_TIMEOUT_MS) {
      throw new ExperimentError(
        'ERR_DEMO_TIMEOUT',
        `not finished after ${OVERALL_TIMEOUT_MS / 60_000} min: ${status.rounds.sealed} of ${record.rounds} rounds sealed, ${outcomes.callCount} of ${record.liveCallCount} calls submitted, ${outcomes.probeCount} grant probes`,
      );
    }
    await sleep(POLL_MS);
  }
  const released = reviewers.reduce((sum, reviewer) => sum + reviewer.tally.released, 0);
  const rejected = reviewers.reduce((sum, reviewer) => sum + reviewer.tally.rejected, 0);
  narrator.say(
    'review',
    `two scripted people a hospital decided: ${released} released, ${rejected} rejected`,
  );
}

async function until(o: DemoContext, what: string, done: () => boolean): Promise<void> {
  const startedMs = Date.now();
  while (!done()) {
    if (o.stop.aborted) throw new ExperimentError('ERR_DEMO_STOPPED', 'stopped before it was up');
    if (Date.now() - startedMs > START_TIMEOUT_MS) {
      throw new ExperimentError(
        'ERR_DEMO_TIMEOUT',
        `waited ${START_TIMEOUT_MS / 60_000} min for ${what}; the logs are in ${o.paths.processes}`,
      );
    }
    await sleep(50);
  }
}

function untilStopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
}

export function prepareFolders(paths: StatePaths): void {
  mkdirSync(paths.processes, { recursive: true, mode: 0o700 });
}
