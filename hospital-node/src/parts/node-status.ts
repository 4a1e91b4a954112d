/**
 * The node in facts and in sentences, for `bhs-node status` and the console. Exact counts are this hospital's data: they
 * are shown here and nowhere else.
 * @module
 */
import type { LogStatus } from '../access-log/index.js';
import type { DetectorVerdict } from '../detector/attestor.js';
import type { NodeConfig } from '../config.js';
import type { HospitalNodeError } from '../errors.js';
import type { PrivacyLedger, SpendReport } from '../privacy-ledger/index.js';
import type { AgentStatus, RoundSummary } from '../round/round-agent.js';
import { secondLineSentence, type SecondLineFacts } from '../second-line/day-list.js';
import type { TrainingFacts } from '../round/round-trainer.js';

const DETECTORS_SHOWN = 20;

export interface NodeStatus {
  readonly nodeId: string;
  readonly federationId: string;
  readonly sentences: readonly string[];
  readonly agent: {
    readonly phase: string;
    readonly sentence: string;
    readonly code: string | null;
    readonly clockOffsetMs: number | null;
    readonly nextSlotAtMs: number | null;
    readonly replay: boolean;
  };
  readonly lastRound: RoundSummary | null;
  readonly lastTraining: TrainingFacts | null;
  readonly privacy: SpendReport & {
    readonly unit: string | null;
    readonly noiseMultiplier: number | null;
    readonly planHash: string | null;
    readonly ledgerRecords: number;
    readonly ledgerHead: string;
    readonly tornTail: string | null;
  };
  readonly log: LogStatus & { readonly fault: string | null };
  readonly detectors: readonly DetectorVerdict[];
  readonly enrolledActors: number | null;
  readonly secondLine: SecondLineFacts;
}

export function statusOf(o: {
  readonly config: NodeConfig;
  readonly agent: AgentStatus;
  readonly ledger: PrivacyLedger;
  readonly log: LogStatus;
  readonly logFault: HospitalNodeError | null;
  readonly detectors: readonly DetectorVerdict[];
  readonly enrolledActors: number | null;
  readonly secondLine: SecondLineFacts;
}): NodeStatus {
  const { agent, ledger } = o;
  const plan = ledger.latestPlan;
  const facts: Omit<NodeStatus, 'sentences'> = {
    nodeId: o.config.nodeId,
    federationId: o.config.federation.id,
    agent: {
      phase: agent.phase,
      sentence: agent.sentence,
      code: agent.code,
      clockOffsetMs: agent.clockOffsetMs,
      nextSlotAtMs: agent.nextSlotAtMs,
      replay: agent.calendar !== null && agent.calendar.replay !== null,
    },
    lastRound: agent.lastRound,
    lastTraining: agent.lastTraining,
    privacy: {
      ...ledger.spent(plan),
      unit: plan?.unit ?? null,
      noiseMultiplier: plan?.noiseMultiplier ?? null,
      planHash: ledger.releases().at(-1)?.planHash ?? null,
      ledgerRecords: ledger.recordCount,
      ledgerHead: ledger.head.hash,
      tornTail: ledger.tornTail?.file ?? null,
    },
    log: { ...o.log, fault: o.logFault?.message ?? null },
    detectors: o.detectors.slice(0, DETECTORS_SHOWN),
    enrolledActors: o.enrolledActors,
    secondLine: o.secondLine,
  };
  return { ...facts, sentences: sentencesOf(facts) };
}

/** One sentence a topic, worst first where something is wrong. */
export function sentencesOf(status: Omit<NodeStatus, 'sentences'>): string[] {
  const { agent, lastRound, privacy, log } = status;
  const sentences: string[] = [];
  if (log.fault !== null) sentences.push(`The access log is not followed: ${log.fault}`);
  sentences.push(agent.sentence);
  if (agent.replay) sentences.push('Replay: the log is an older one; slots are wall time.');
  if (agent.nextSlotAtMs !== null) {
    sentences.push(`The next round opens at ${new Date(agent.nextSlotAtMs).toISOString()}.`);
  }
  if (lastRound !== null) sentences.push(roundSentence(lastRound));
  sentences.push(privacySentence(privacy));
  if (privacy.tornTail !== null) {
    sentences.push(
      `An unfinished ledger record was set aside in ${privacy.tornTail}; nothing had been sent for it.`,
    );
  }
  sentences.push(
    `The log has ${log.lines} lines so far, ${log.malformed} malformed, ${log.late} late${log.lastMalformed === null ? '' : `; the last malformed one is line ${log.lastMalformed.line} (${log.lastMalformed.reason})`}.`,
  );
  sentences.push(secondLineSentence(status.secondLine));
  const newest = status.detectors[0];
  if (newest !== undefined) {
    sentences.push(
      newest.verdict === 'attested'
        ? `Detector ${newest.version} was verified and attested.`
        : `Detector ${newest.version} was not attested: ${newest.reason ?? newest.code ?? ''}.`,
    );
  }
  return sentences;
}

function roundSentence(round: RoundSummary): string {
  const because = round.sentence === null ? '' : `: ${round.sentence}`;
  return `The last round was slot ${round.slotIndex}, ${round.outcome}${because}.`;
}

function privacySentence(privacy: NodeStatus['privacy']): string {
  if (privacy.rounds === 0) return 'Nothing has been spent yet.';
  const left =
    privacy.roundsLeft === null
      ? ''
      : `; ${privacy.roundsLeft} rounds of this plan fit before the ceiling`;
  return (
    `After ${privacy.rounds} rounds a window has ε ${privacy.windowEpsilon.toFixed(2)} and an actor who was active in all of them ` +
    `ε ${privacy.actorEpsilonPld.toFixed(2)} (filter ${privacy.actorEpsilonRdp.toFixed(2)} of ${privacy.actorCeiling} in ${privacy.actorHorizonDays} days) at δ = 1e-${privacy.deltaExponent}${left}.`
  );
}
