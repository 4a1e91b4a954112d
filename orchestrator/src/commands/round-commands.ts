/**
 * Verbs about rounds: what happens, what happened, and what can be proved of it.
 * @module
 */
import { federationOf } from '../assembly.js';
import type { OrchestratorConfig } from '../config.js';
import { mspRoots } from '../enrolment/roster.js';
import { OrchestratorError } from '../errors.js';
import { setPaused } from '../pause.js';
import { roundName } from '../protocol/identifiers.js';
import { abortRound } from '../round-abort.js';
import { proveRound, verifyRound, type RoundCheck } from '../round-proof.js';
import { roundSummary, statusOf, type OrchestratorStatus, type RoundSummary } from '../status.js';
import type { FederationStore, StoredManifest } from '../store/store.js';
import {
  integer,
  proofOptions,
  speakerOf,
  type CommandLine,
  type Common,
  type SpeakerFiles,
} from './command-line.js';

const ROUND = 'slot index, the start of its slot as shown by `rounds`, or `all`';

export function addRoundCommands(line: CommandLine): void {
  const { verb, print, withState, nowMs } = line;

  verb('rounds', 'List rounds, newest first', 'rounds --config orchestrator.yaml')
    .option('--limit <n>', 'how many', '20')
    .action((o: Common & { limit: string }) =>
      withState(o, async ({ store }) => {
        const limit = integer('limit', o.limit, 1, 1_000);
        const rounds = (await store.rounds.newest({ limit })).map((each) =>
          roundSummary(each.round),
        );
        print(o, rounds, rounds.map(roundLine).join('\n') || 'no rounds yet');
      }),
    );

  verb('status', 'What the federation is doing', 'status --config orchestrator.yaml').action(
    (o: Common) =>
      withState(o, async ({ store, config }) => {
        const federation = federationOf(config);
        const status = await statusOf({ store, federation, nowMs: nowMs() });
        print(o, status, statusLines(status).join('\n'));
      }),
  );

  verb(
    'replay',
    'Recompute a sealed round from its stored updates and prove the bits',
    'replay 1329876 --config orchestrator.yaml',
  )
    .argument('<round>', ROUND)
    .action((round: string, o: Common) =>
      withState(o, async (opened) => {
        const proofs = [];
        for (const stored of await chooseManifests(opened.store, opened.config, round)) {
          const proof = await proveRound(proofOptions(opened), stored);
          proofs.push({
            round: nameOf(opened.config, stored),
            manifest: proof.manifestDigest,
            resultModel: proof.resultModel,
            acceptedCount: proof.acceptedCount,
          });
        }
        const lines = proofs.map(
          (each) =>
            `${each.round}  ${each.acceptedCount} updates → ${each.resultModel}  bits equal, manifest ${each.manifest.slice(0, 12)}… signed`,
        );
        print(o, proofs, lines.join('\n') || 'no sealed rounds');
      }),
    );

  verb(
    'verify-round',
    'Check everything that is stored about a sealed round, one line a check',
    'verify-round 2026-11-22T06:00:00Z --config orchestrator.yaml',
  )
    .argument('<round>', ROUND)
    .action((round: string, o: Common) =>
      withState(o, async (opened) => {
        const rounds: { round: string; checks: readonly RoundCheck[] }[] = [];
        for (const stored of await chooseManifests(opened.store, opened.config, round)) {
          rounds.push({
            round: nameOf(opened.config, stored),
            checks: await verifyRound(proofOptions(opened), stored),
          });
        }
        const lines = rounds.flatMap((each) => [
          each.round,
          ...each.checks.map((c) => `  ${c.ok ? 'PASS' : 'FAIL'}  ${c.check}: ${c.detail}`),
        ]);
        print(o, rounds, lines.join('\n') || 'no sealed rounds');
        const failed = rounds.filter((each) => each.checks.some((check) => !check.ok));
        if (failed.length > 0) {
          throw new OrchestratorError(
            'ERR_REPLAY',
            `${failed.length} of ${rounds.length} rounds do not check`,
          );
        }
      }),
    );

  verb(
    'abort',
    'End the open round of a slot; two people of two hospitals decide',
    'abort 1329876 --reason "wrong plan" --msp H1MSP --cert ana.pem --key ana-key.pem --config F',
  )
    .argument('<slot>', 'slot index of the open round, as `status` shows it')
    .requiredOption('--reason <text>', 'why; kept with the signature')
    .requiredOption('--msp <id>', 'MSP of the person')
    .requiredOption('--cert <file>', 'certificate of the person')
    .requiredOption('--key <file>', 'private key of the person')
    .action((slot: string, o: Common & SpeakerFiles & { reason: string }) =>
      withState(
        o,
        async ({ store, config }) => {
          const slotIndex = integer('slot', slot, 0, Number.MAX_SAFE_INTEGER);
          const outcome = await abortRound({
            store,
            federationId: config.federationId,
            mspRoots: await mspRoots(store),
            slotIndex,
            reason: o.reason,
            speaker: speakerOf(o),
            nowMs: nowMs(),
          });
          print(o, { slotIndex, outcome }, `slot ${slotIndex}: ${outcome}`);
        },
        'write',
      ),
    );

  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    verb(
      name,
      paused ? 'Skip slots until `resume`' : 'Run slots again',
      `${name} --by ana --config F`,
    )
      .requiredOption('--by <person>', 'goes into the audit log')
      .action((o: Common & { by: string }) =>
        withState(
          o,
          async ({ store }) => {
            await setPaused(store, { paused, by: o.by, nowMs: nowMs() });
            print(o, { paused }, paused ? 'paused' : 'resumed');
          },
          'write',
        ),
      );
  }
}

function nameOf({ federationId, policy }: OrchestratorConfig, stored: StoredManifest): string {
  return roundName({ federationId, ...stored.key }, policy.slotLengthMs);
}

async function chooseManifests(
  store: FederationStore,
  config: OrchestratorConfig,
  text: string,
): Promise<readonly StoredManifest[]> {
  const all = await store.lineage.manifestsAfter(-1, Number.MAX_SAFE_INTEGER);
  if (text === 'all') return all;
  const found = all.filter(
    (each) => String(each.key.slotIndex) === text || nameOf(config, each) === text,
  );
  if (found.length > 0) return found;
  throw new OrchestratorError(
    'ERR_ROUND_UNKNOWN',
    `round: expected a sealed one, got ${text}; \`bhs-orchestrator rounds\` lists them`,
  );
}

function statusLines(status: OrchestratorStatus): readonly string[] {
  const { publication, rounds, plan } = status;
  const detector =
    publication.activeVersion === null
      ? 'none active'
      : `version ${publication.activeVersion}, ${publication.activeDetector.slice(0, 12)}…`;
  return [
    `federation   ${status.federationId}${status.replay ? '  (replay of an older log)' : ''}${status.paused ? '  PAUSED' : ''}`,
    `plan         ${plan.hash.slice(0, 12)}…  ε ${plan.epsilonMicro / 1e6} per ${plan.unit} and round`,
    `rounds       ${rounds.sealed} sealed, ${rounds.skipped} skipped, ${rounds.aborted} aborted`,
    `now          ${status.current === null ? 'no open round' : roundLine(status.current)}`,
    `last         ${status.last === null ? 'none' : roundLine(status.last)}`,
    `detector     ${detector}, ${publication.backlog} waiting`,
    ...status.nodes.map(
      (node) => `node         ${node.nodeId} ${node.state}${seen(node.lastSeenMs)}`,
    ),
  ];
}

function seen(lastSeenMs: number): string {
  return lastSeenMs === 0 ? ', never seen' : `, seen ${new Date(lastSeenMs).toISOString()}`;
}

function roundLine(round: RoundSummary): string {
  const others = round.others.map(
    (each) => `${each.nodeId} ${each.state}${each.reason === '' ? '' : ` (${each.reason})`}`,
  );
  return [
    round.round,
    `slot ${round.slotIndex}`,
    round.outcome === null ? round.phase : `${round.phase}: ${round.outcome}`,
    `${round.accepted.length} accepted of ${round.accepted.length + round.others.length}, quorum ${round.quorum}`,
    ...(others.length === 0 || round.phase === 'skipped' ? [] : [others.join(', ')]),
    ...(round.resultModel === '' ? [] : [`model ${round.resultModel.slice(0, 12)}…`]),
  ].join('  ');
}
