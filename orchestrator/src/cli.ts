/**
 * `bhs-orchestrator`: results on standard output, talk on standard error; exit 0 ok, 1 warning or refusal, 2 failure,
 * 64 usage.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import {
  caFolder,
  federationOf,
  mspRootsOf,
  openState,
  readPem,
  signerOf,
  type State,
} from './assembly.js';
import { loadConfig, type OrchestratorConfig } from './config.js';
import { openAuthority } from './enrolment/authority.js';
import { EnrolmentDesk } from './enrolment/desk.js';
import { provisionNode, writeIdentity } from './enrolment/provision.js';
import { revokeNode, serialsOf } from './enrolment/revocation.js';
import { OrchestratorError } from './errors.js';
import { replayRound } from './protocol/replay.js';
import { verifyManifest } from './protocol/manifest.js';
import { roundName } from './protocol/identifiers.js';
import { signDocument } from './protocol/signing.js';
import { roundSummary, statusOf, type RoundSummary } from './status.js';
import { quarantinedIn, reviewUpdate } from './update-review.js';
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

verb(
  'invite',
  'One line with which a hospital asks for its certificate',
  'invite H3 --by ana --ttl-hours 24 --config orchestrator.yaml',
)
  .argument('<node>', 'node of the roster')
  .requiredOption('--by <person>', 'who invites; goes into the audit log')
  .option('--ttl-hours <n>', 'how long the line is good', '24')
  .action((nodeId: string, o: Common & { by: string; ttlHours: string }) =>
    withEnrolment(o, async (desk, config) => {
      const address = enrolmentAddress(config);
      const lifeMs = integer('ttl-hours', o.ttlHours, 1, 720) * 3_600_000;
      const invitation = await desk.invite({ nodeId, address, lifeMs, by: o.by });
      print(o, { nodeId, invitation }, invitation);
    }),
  );

verb('requests', 'Requests for certificates', 'requests --config orchestrator.yaml').action(
  (o: Common) =>
    withState(o, async ({ store }) => {
      const requests = (await store.enrolment.requests()).map((each) => ({
        requestId: each.requestId,
        nodeId: each.nodeId,
        state: each.state,
        fingerprint: each.fingerprint,
        expires: new Date(each.expiresAtMs).toISOString(),
      }));
      const lines = requests.map(
        (each) => `${each.requestId}  ${each.nodeId}  ${each.state}  ${each.fingerprint}`,
      );
      print(o, requests, lines.join('\n') || 'no requests');
    }),
);

verb(
  'approve',
  'Certify a request after comparing its fingerprint by telephone',
  "approve 3f… --fingerprint '01234 …' --by ana --config orchestrator.yaml",
)
  .argument('<request>', 'as `requests` shows it')
  .requiredOption('--fingerprint <digits>', 'what the hospital read out')
  .requiredOption('--by <person>', 'who approves; goes into the audit log')
  .action((requestId: string, o: Common & { fingerprint: string; by: string }) =>
    withEnrolment(o, async (desk) => {
      const { nodeId } = await desk.approve({ requestId, fingerprint: o.fingerprint, by: o.by });
      print(o, { requestId, nodeId, state: 'approved' }, `${nodeId} approved`);
    }),
  );

verb('refuse', 'Turn a request down', 'refuse 3f… --reason "unknown caller" --by ana --config F')
  .argument('<request>', 'as `requests` shows it')
  .requiredOption('--reason <text>', 'what the hospital is told')
  .requiredOption('--by <person>', 'who refuses; goes into the audit log')
  .action((requestId: string, o: Common & { reason: string; by: string }) =>
    withEnrolment(o, async (desk) => {
      await desk.refuse({ requestId, reason: o.reason, by: o.by });
      print(o, { requestId, state: 'refused' }, 'refused');
    }),
  );

verb(
  'revoke',
  'Take a node out of the federation, at once',
  'revoke H3 --reason "key lost" --by ana --yes --config orchestrator.yaml',
)
  .argument('<node>', 'node on record')
  .requiredOption('--reason <text>', 'goes onto the revocation list')
  .requiredOption('--by <person>', 'who revokes; goes into the audit log')
  .requiredOption('--yes', 'this cannot be undone; the node needs a new invitation')
  .action((nodeId: string, o: Common & { reason: string; by: string }) =>
    withState(
      o,
      async ({ store, config }) => {
        const epoch = await revokeNode({
          store,
          nodeId,
          serials: serialsOf(caFolder(config), config.federationId, nodeId),
          reason: o.reason,
          by: o.by,
          nowMs: Date.now(),
        });
        print(o, { nodeId, state: 'revoked', epoch }, `${nodeId} revoked, epoch ${epoch}`);
      },
      'write',
    ),
  );

verb('quarantine', 'Updates that wait for people', 'quarantine --config orchestrator.yaml').action(
  (o: Common) =>
    withState(o, async ({ store, config }) => {
      const open = await store.rounds.findOpen();
      const waiting = open === null ? [] : quarantinedIn(open.round);
      const lines = waiting.map((each) => `${each.nodeId}  ${each.reason}  ${each.update}`);
      const round = open === null ? null : roundName(open.round.id, config.policy.slotLengthMs);
      print(o, { round, waiting }, lines.join('\n') || 'nothing waits');
    }),
);

verb(
  'review',
  'Judge a quarantined update; two people of two hospitals decide',
  'review H3 release --reason "new ward" --msp H1MSP --cert ana.pem --key ana-key.pem --config F',
)
  .argument('<node>', 'whose update')
  .argument('<disposition>', 'release or discard')
  .requiredOption('--reason <text>', 'why; kept with the signature')
  .requiredOption('--msp <id>', 'MSP of the reviewer')
  .requiredOption('--cert <file>', 'certificate of the reviewer')
  .requiredOption('--key <file>', 'private key of the reviewer')
  .action(
    (
      nodeId: string,
      disposition: string,
      o: Common & { reason: string; msp: string; cert: string; key: string },
    ) =>
      withState(
        o,
        async ({ store, config }) => {
          if (disposition !== 'release' && disposition !== 'discard') {
            throw usage(`disposition: expected release or discard, got ${disposition}`);
          }
          const open = await store.rounds.findOpen();
          const key = createPrivateKey(readPem(o.key, '--key'));
          const outcome = await reviewUpdate({
            store,
            federationId: config.federationId,
            mspRoots: mspRootsOf(config),
            key: open?.round.id ?? { slotIndex: 0, attempt: 1 },
            nodeId,
            disposition,
            reason: o.reason,
            mspId: o.msp,
            certificate: readPem(o.cert, '--cert'),
            sign: (statement) => signDocument('bhs-review-v1', statement, key),
            nowMs: Date.now(),
          });
          print(o, { nodeId, disposition, outcome }, `${nodeId}: ${outcome}`);
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
          await store.setFact('paused', String(paused));
          await store.audit.append(name, Date.now(), { by: o.by });
          print(o, { paused }, paused ? 'paused' : 'resumed');
        },
        'write',
      ),
    );
}

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

/** Reads beside a running process, or writes beside it: every write of ours is one transaction that it notices. */
async function withState(
  o: Common,
  use: (state: State & { readonly config: OrchestratorConfig }) => Promise<void>,
  access: 'read' | 'write' = 'read',
): Promise<void> {
  const config = loadConfig(o.config);
  const state = await openState(config, { nowMs: Date.now(), readOnly: access === 'read' });
  try {
    await use({ ...state, config });
  } finally {
    await state.store.close();
  }
}

function withEnrolment(
  o: Common,
  use: (desk: EnrolmentDesk, config: OrchestratorConfig) => Promise<void>,
): Promise<void> {
  return withState(
    o,
    async ({ store, config }) => {
      const { federationId, hospitals } = config;
      const authority = await openAuthority({
        folder: caFolder(config),
        federationId,
        nowMs: Date.now(),
      });
      const mspRoots = mspRootsOf(config);
      const nowMs = (): number => Date.now();
      const desk = new EnrolmentDesk({
        federationId,
        hospitals,
        mspRoots,
        authority,
        store,
        nowMs,
      });
      await use(desk, config);
    },
    'write',
  );
}

function enrolmentAddress(config: OrchestratorConfig): string {
  const { advertise, enrolment } = config;
  if (advertise.enrolment !== null) return advertise.enrolment;
  if (enrolment !== null && enrolment.port !== 0) return `${enrolment.host}:${enrolment.port}`;
  throw new OrchestratorError(
    'ERR_CONFIG',
    'config: advertise.enrolment: expected host:port that hospitals dial, got none',
  );
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
    throw usage(`${name}: expected ${min} to ${max}, got ${text}`);
  }
  return value;
}

function usage(message: string): CommanderError {
  return new CommanderError(USAGE, 'ERR_USAGE', message);
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
