/**
 * `bhs-node join` and `rejoin`: what the operator sees of an enrolment. Talk goes through `say`, line by line, because a
 * person waits in the middle of it.
 * @module
 */
import { decodeInvitation } from '@bhschain/orchestrator/protocol';
import { openAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { preChecks } from '../doctor/all-checks.js';
import { examine, lineOf, verdictOf } from '../doctor/check.js';
import { sentenceOf } from '../doctor/federation-fault.js';
import {
  askToJoin,
  awaitApproval,
  finishJoin,
  prepareJoin,
  type PreparedJoin,
} from '../enrolment/join.js';
import { readResponseFile, writeRequestFile } from '../enrolment/offline-files.js';
import { EnrolmentError } from '../errors.js';
import { openFederation } from '../parts/federation-connection.js';
import { greet } from '../parts/greeting.js';
import { readCalendar } from '../round/federation-document.js';
import type { CommandOutcome } from './outcome.js';

export interface JoinCommandOptions {
  readonly configFile: string;
  readonly line: string | null;
  readonly rejoin: boolean;
  readonly waitMinutes: number;
  readonly offline: { readonly out: string | null; readonly response: string | null } | null;
  readonly by: string;
  readonly say: (sentence: string) => void;
  readonly nowMs: () => number;
  readonly jitter: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const POLL_MS = 2_000;

export async function joinCommand(o: JoinCommandOptions): Promise<CommandOutcome> {
  const prepared = await prepareJoin(o, decodeInvitation);
  const { config, state } = prepared;
  o.say(
    `Joining federation ${state.invitation.federationId} as ${state.invitation.nodeId}, for ${config.mspId}.`,
  );
  await requireSoundMachine(prepared, o);
  for (const sentence of whatLeaves(config)) o.say(sentence);
  if (o.offline?.response === null || o.offline?.response === undefined) {
    o.say(`Fingerprint of the new key: ${state.key.fingerprint}`);
    o.say('Read it to the federation by telephone; they approve only if it is the same there.');
  }
  if (o.offline !== null) return await joinOffline(prepared, o);
  const asked = await askToJoin(prepared);
  try {
    const untilMs = o.nowMs() + o.waitMinutes * 60_000;
    o.say(
      `Request ${asked.requestId} is filed. Waiting for its approval until ${new Date(untilMs).toISOString()}; Ctrl-C is safe, the same command goes on.`,
    );
    const approval = await awaitApproval(asked, prepared, { ...o, untilMs, pollMs: POLL_MS });
    if (approval === null) {
      return {
        exitCode: 1,
        facts: {
          state: 'pending',
          requestId: asked.requestId,
          fingerprint: state.key.fingerprint,
        },
        sentences: [
          `Nobody has decided yet. Go on with: bhs-node ${o.rejoin ? 'rejoin' : 'join'} --config ${o.configFile}`,
        ],
      };
    }
    return await conclude(finishJoin(prepared, approval, auditOf(config, o)), o);
  } finally {
    asked.client.close();
  }
}

async function joinOffline(prepared: PreparedJoin, o: JoinCommandOptions): Promise<CommandOutcome> {
  const { response, out } = o.offline!;
  if (response !== null) {
    const approval = readResponseFile(response, prepared);
    return await conclude(finishJoin(prepared, approval, auditOf(prepared.config, o)), o);
  }
  if (out === null) {
    throw new EnrolmentError(
      'ERR_ARGUMENT',
      '--offline: expected --out FILE for the request, or --response FILE for the answer',
    );
  }
  writeRequestFile(out, prepared);
  return {
    exitCode: 1,
    facts: { state: 'request-written', file: out, fingerprint: prepared.state.key.fingerprint },
    sentences: [
      `The request is in ${out}. It holds the invitation's token: hand it over in person, then remove it.`,
      'The federation runs: bhs-orchestrator import-request, approve, export-response.',
      `Then here: bhs-node join --offline --response FILE --config ${o.configFile}`,
    ],
  };
}

function auditOf(config: NodeConfig, o: JoinCommandOptions): Parameters<typeof finishJoin>[2] {
  return {
    audit: openAuditLog({ stateDir: config.stateDir, now: o.nowMs }),
    by: o.by,
    rejoin: o.rejoin,
  };
}

/** A machine that could not run the node should hear it now and not after a person has approved. */
async function requireSoundMachine({ config }: PreparedJoin, o: JoinCommandOptions): Promise<void> {
  const surroundings = { now: o.nowMs, jitter: o.jitter };
  const findings = await examine(preChecks(config, surroundings, { offline: o.offline !== null }));
  for (const finding of findings) if (finding.state !== 'PASS') o.say(lineOf(finding));
  o.say(`Doctor before joining: ${verdictOf(findings).sentence}`);
  const failed = findings.filter(({ state }) => state === 'FAIL');
  if (failed.length > 0) {
    throw new EnrolmentError(
      'ERR_JOIN_DOCTOR',
      `${failed.map(({ code }) => code).join(', ')} must be mended before this hospital can join; nothing was sent`,
      { failed: failed.length },
    );
  }
}

function whatLeaves({ privacy, federation }: NodeConfig): readonly string[] {
  const { epsilonPerRound, actorEpsilon, actorHorizonDays, windowsPerActorMax } = privacy.ceilings;
  return [
    `What will leave this hospital, to federation ${federation.id} and nowhere else: now the node's name, its public key and a signature of the hospital's MSP; in each round one noised update, the head of the privacy ledger and software versions. No log line, no identifier, no count.`,
    `Ceilings that hold whoever asks: ε ${epsilonPerRound} a round and window, ε ${actorEpsilon} an actor in ${actorHorizonDays} days, ${windowsPerActorMax} windows an actor and round (privacy.ceilings in the configuration).`,
  ];
}

/** Says hello with the new certificate, and when the next round is. */
async function conclude(config: NodeConfig, o: JoinCommandOptions): Promise<CommandOutcome> {
  const joined = {
    state: 'joined',
    nodeId: config.nodeId,
    federationId: config.federation.id,
    address: config.federation.address,
  };
  const head = [
    `${config.nodeId} has joined ${config.federation.id}. ${o.configFile} is complete, the certificate is in ${config.federation.tls.cert}.`,
  ];
  const next = `Now: bhs-node doctor --config ${o.configFile}, then bhs-node run --config ${o.configFile}`;
  const client = openFederation({ config, nowMs: o.nowMs });
  try {
    const { federationDocument } = await greet(client, config, { software: 'bhs-node join' });
    const calendar = readCalendar(federationDocument);
    const nextSlot = Math.floor(o.nowMs() / calendar.slotLengthMs) + 1;
    const at = new Date(nextSlot * calendar.slotLengthMs);
    return {
      exitCode: 0,
      facts: { ...joined, nextSlotAt: at.toISOString() },
      sentences: [
        ...head,
        `The next round begins at ${at.toISOString()} (here: ${at.toLocaleString('sv-SE')}).`,
        next,
      ],
    };
  } catch (error) {
    // Joined all the same; the address may open to this host only later.
    return {
      exitCode: 1,
      facts: { ...joined, nextSlotAt: null },
      sentences: [...head, sentenceOf(error, config), next],
    };
  } finally {
    client.close();
  }
}
