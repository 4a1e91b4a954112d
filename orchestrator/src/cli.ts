/**
 * `bhs-orchestrator`: results on standard output, talk on standard error; exit 0 ok, 1 warning or refusal, 2 failure,
 * 64 usage.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { caFolder, federationOf, openState, signerOf } from './assembly.js';
import { loadConfig, type OrchestratorConfig } from './config.js';
import { provisionNode, writeIdentity } from './enrolment/provision.js';
import { OrchestratorError } from './errors.js';
import { replayRound } from './protocol/replay.js';
import { verifyManifest } from './protocol/manifest.js';
import { roundName } from './protocol/identifiers.js';
import { roundSummary, statusOf, type RoundSummary } from './status.js';
import type { ObjectStore } from './store/objects.js';
import type { FederationStore, StoredManifest } from './store/store.js';

const USAGE = 64;

interface Common {
  readonly config: string;
  readonly json?: boolean;
}

const program = new Command('bhs-orchestrator')
  .description('The orchestrator of a federation: identities, rounds, proofs.')
  .exitOverride()
  .showHelpAfterError();

function verb(name: string, description: string, example: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--config <file>', 'configuration of the orchestrator')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', `\nExample:\n  $ bhs-orchestrator ${example}`)
    .exitOverride();
}

verb(
  'provision',
  'Make a key and a certificate for a node, on this machine',
  'provision --config orchestrator.yaml --node H1 --out ./h1',
)
  .requiredOption('--node <id>', 'node of the roster')
  .requiredOption('--out <dir>', 'writes DIR/tls/{ca,cert,key}.pem')
  .action(async (o: Common & { node: string; out: string }) => {
    const config = loadConfig(o.config);
    if (!config.hospitals.some((each) => each.nodeId === o.node)) {
      throw new OrchestratorError(
        'ERR_NODE_NAME',
        `node: expected one of ${config.hospitals.map((each) => each.nodeId).join(', ')}, got ${o.node}`,
      );
    }
    const identity = await provisionNode({
      caDir: caFolder(config),
      federationId: config.federationId,
      nodeId: o.node,
      nowMs: Date.now(),
    });
    writeIdentity(o.out, identity);
    print(o, { node: o.node, directory: o.out }, `identity of ${o.node} written to ${o.out}/tls`);
  });

verb('rounds', 'List rounds, newest first', 'rounds --config orchestrator.yaml')
  .option('--limit <n>', 'how many', '20')
  .action((o: Common & { limit: string }) =>
    withState(o, async ({ store }) => {
      const limit = integer('limit', o.limit, 1, 1_000);
      const rounds = (await store.rounds.newest({ limit })).map((each) => roundSummary(each.round));
      print(o, rounds, rounds.map(roundLine).join('\n') || 'no rounds yet');
    }),
  );

verb('status', 'What the federation is doing', 'status --config orchestrator.yaml').action(
  (o: Common) =>
    withState(o, async ({ store, config }) => {
      const status = await statusOf({ store, federation: federationOf(config), nowMs: Date.now() });
      const lines = [
        `federation   ${status.federationId}${status.replay ? '  (replay of an older log)' : ''}`,
        `plan         ${status.plan.hash.slice(0, 12)}…  ε ${status.plan.epsilonMicro / 1e6} per ${status.plan.unit} and round`,
        `rounds       ${status.rounds.sealed} sealed, ${status.rounds.skipped} skipped, ${status.rounds.aborted} aborted`,
        `now          ${status.current === null ? 'no open round' : roundLine(status.current)}`,
        `last         ${status.last === null ? 'none' : roundLine(status.last)}`,
        `detector     ${status.publication.activeVersion === null ? 'none active' : `version ${status.publication.activeVersion}, ${status.publication.activeDetector.slice(0, 12)}…`}, ${status.publication.backlog} waiting`,
        ...status.nodes.map(
          (node) =>
            `node         ${node.nodeId} ${node.state}${node.lastSeenMs === 0 ? ', never seen' : `, seen ${new Date(node.lastSeenMs).toISOString()}`}`,
        ),
      ];
      print(o, status, lines.join('\n'));
    }),
);

verb(
  'replay',
  'Recompute a sealed round from its stored updates and prove the bits',
  'replay 1329876 --config orchestrator.yaml',
)
  .argument('<round>', 'slot index, the start of its slot as shown by `rounds`, or `all`')
  .action((round: string, o: Common) =>
    withState(o, async ({ store, objects, config }) => {
      const chosen = await chooseManifests(store, config, round);
      const proofs = [];
      for (const manifest of chosen) proofs.push(await prove(store, objects, config, manifest));
      print(
        o,
        proofs,
        proofs
          .map(
            (each) =>
              `${each.round}  ${each.acceptedCount} updates → ${each.resultModel}  bits equal, manifest ${each.manifest.slice(0, 12)}… signed`,
          )
          .join('\n'),
      );
    }),
  );

async function chooseManifests(
  store: FederationStore,
  config: OrchestratorConfig,
  text: string,
): Promise<readonly StoredManifest[]> {
  const all = await store.lineage.manifestsAfter(-1, 1_000_000);
  if (text === 'all') return all;
  const { federationId, policy } = config;
  const found = all.filter(
    (each) =>
      String(each.key.slotIndex) === text ||
      roundName({ federationId, ...each.key }, policy.slotLengthMs) === text,
  );
  if (found.length > 0) return found;
  throw new OrchestratorError(
    'ERR_ROUND_UNKNOWN',
    `round: expected a sealed one, got ${text}; \`bhs-orchestrator rounds\` lists them`,
  );
}

interface Proof {
  readonly round: string;
  readonly manifest: string;
  readonly resultModel: string;
  readonly acceptedCount: number;
}

async function prove(
  store: FederationStore,
  objects: ObjectStore,
  config: OrchestratorConfig,
  stored: StoredManifest,
): Promise<Proof> {
  const manifest = verifyManifest({
    bytes: stored.bytes,
    signature: stored.signature,
    signerCertificate: stored.signer,
    trustedSigners: [signerOf(config).certificatePem],
    federationId: config.federationId,
    previousManifest: stored.previous,
  });
  const submissions = await store.rounds.submissions(stored.key);
  const { resultModel, acceptedCount } = await replayRound({
    manifest,
    evidence: submissions,
    trustedAuthorities: [authorityOf(config)],
    objectOf: async (digest) => {
      const bytes = await objects.get(digest);
      if (bytes !== null) return bytes;
      throw new OrchestratorError('ERR_OBJECT_UNKNOWN', `object ${digest} is not in the store`);
    },
  });
  return {
    round: roundName(manifest.roundId, config.policy.slotLengthMs),
    manifest: stored.digest,
    resultModel,
    acceptedCount,
  };
}

function authorityOf(config: OrchestratorConfig): string {
  return readFileSync(join(caFolder(config), 'ca.pem'), 'utf8');
}

async function withState(
  o: Common,
  use: (state: {
    config: OrchestratorConfig;
    store: FederationStore;
    objects: ObjectStore;
  }) => Promise<void>,
): Promise<void> {
  const config = loadConfig(o.config);
  const { store, objects } = await openState(config, { nowMs: Date.now(), readOnly: true });
  try {
    await use({ config, store, objects });
  } finally {
    await store.close();
  }
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

function print(o: Common, document: unknown, text: string): void {
  console.log(o.json === true ? JSON.stringify(document) : text);
}

function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new CommanderError(USAGE, 'ERR_USAGE', `${name}: expected ${min} to ${max}, got ${text}`);
  }
  return value;
}

try {
  await program.parseAsync();
} catch (cause) {
  if (cause instanceof CommanderError) {
    process.exitCode = cause.exitCode === 0 ? 0 : USAGE;
    if (cause.code === 'ERR_USAGE') console.error(cause.message);
  } else {
    const code = (cause as { code?: unknown }).code;
    const message = cause instanceof Error ? cause.message : String(cause);
    console.error(typeof code === 'string' ? `${message} (${code})` : message);
    process.exitCode = cause instanceof OrchestratorError ? 1 : 2;
  }
}
