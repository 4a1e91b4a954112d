/**
 * Verbs about members: invitation, approval, revocation, and identities made on this machine.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { caFolder, federationOf, readPem } from '../assembly.js';
import type { OrchestratorConfig } from '../config.js';
import { openAuthority } from '../enrolment/authority.js';
import { decodeRequestFile, encodeResponseFile } from '../enrolment/offline-files.js';
import { provisionNode, writeIdentity } from '../enrolment/provision.js';
import { withdrawNode } from '../enrolment/revocation.js';
import { standingMembers } from '../enrolment/roster.js';
import { OrchestratorError } from '../errors.js';
import { federationDocument } from '../federation-document.js';
import { integer, type CommandLine, type Common } from './command-line.js';

export function addMemberCommands(line: CommandLine): void {
  const { verb, print, withState, withEnrolment, nowMs } = line;

  verb(
    'provision',
    'Make a key and a certificate for a node, on this machine',
    'provision --config orchestrator.yaml --node H1 --out ./h1',
  )
    .requiredOption('--node <id>', 'node of the configuration or the roster')
    .requiredOption('--out <dir>', 'writes DIR/tls/{ca,cert,key}.pem')
    .action((o: Common & { node: string; out: string }) =>
      withEnrolment(o, async (_desk, { store, config }) => {
        const members = (await standingMembers(store)).map((each) => each.nodeId);
        if (!members.includes(o.node)) {
          throw new OrchestratorError(
            'ERR_NODE_NAME',
            `node: expected one of ${members.join(', ')}, got ${o.node}`,
          );
        }
        const identity = await provisionNode({
          caDir: caFolder(config),
          federationId: config.federationId,
          nodeId: o.node,
          nowMs: nowMs(),
        });
        writeIdentity(o.out, identity);
        await store.audit.append('provisioned', nowMs(), { nodeId: o.node });
        print(
          o,
          { node: o.node, directory: o.out },
          `identity of ${o.node} written to ${o.out}/tls`,
        );
      }),
    );

  verb('nodes', 'Members and how they are', 'nodes --config orchestrator.yaml').action(
    (o: Common) =>
      withState(o, async ({ store }) => {
        const nodes = (await store.roster.list()).map((each) => ({
          nodeId: each.nodeId,
          mspId: each.mspId,
          state: each.state,
          channel: each.admitted ? 'admitted' : 'waits',
          lastSeen: each.lastSeenMs === 0 ? null : new Date(each.lastSeenMs).toISOString(),
          clockOffsetMs: each.clockOffsetMs,
          software: each.software,
          ledgerSeq: each.ledgerHead?.seq ?? null,
        }));
        const lines = nodes.map(
          (each) =>
            `${each.nodeId}  ${each.mspId}  ${each.state}  ${each.channel}  ${each.lastSeen ?? 'never seen'}  clock ${each.clockOffsetMs} ms  ${each.software}`,
        );
        print(o, nodes, lines.join('\n') || 'no members');
      }),
  );

  verb(
    'invite',
    'One line with which a hospital asks for its certificate',
    'invite H4 --msp H4MSP --msp-root h4-ca.pem --by ana --config orchestrator.yaml',
  )
    .argument('<node>', 'node on record, or a new one with --msp and --msp-root')
    .requiredOption('--by <person>', 'who invites; goes into the audit log')
    .option('--msp <id>', 'MSP of a new hospital')
    .option('--msp-root <file>', 'PEM of the root of that MSP')
    .option('--ttl-hours <n>', 'how long the line is good', '24')
    .action(
      (
        nodeId: string,
        o: Common & { by: string; ttlHours: string; msp?: string; mspRoot?: string },
      ) =>
        withEnrolment(o, async (desk, { config }) => {
          const lifeMs = integer('ttl-hours', o.ttlHours, 1, 720) * 3_600_000;
          if ((o.msp === undefined) !== (o.mspRoot === undefined)) {
            throw new OrchestratorError('ERR_MSP_ROOT', 'invite: --msp and --msp-root go together');
          }
          const msp =
            o.msp === undefined || o.mspRoot === undefined
              ? undefined
              : { mspId: o.msp, mspRoot: readPem(o.mspRoot, '--msp-root') };
          const address = enrolmentAddress(config);
          const invitation = await desk.invite({ nodeId, address, lifeMs, by: o.by, msp });
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
    'import-request',
    'File a request that came by another way than the network',
    'import-request request.json --config orchestrator.yaml',
  )
    .argument('<file>', 'what `bhs-node join --offline` wrote')
    .action((file: string, o: Common) =>
      withEnrolment(o, async (desk) => {
        const { requestId, nodeId, fingerprint } = await desk.request(
          decodeRequestFile(readFileSync(file, 'utf8')),
        );
        print(o, { requestId, nodeId, fingerprint }, `${requestId}  ${nodeId}  ${fingerprint}`);
      }),
    );

  verb(
    'export-response',
    'Write what became of a request, for a hospital without a connection',
    'export-response 3f… --out response.json --config orchestrator.yaml',
  )
    .argument('<request>', 'as `requests` shows it')
    .requiredOption('--out <file>', 'file to write')
    .action((requestId: string, o: Common & { out: string }) =>
      withEnrolment(o, async (_desk, { store, config }) => {
        const request = await store.enrolment.request(requestId);
        if (request === null || request.state === 'pending') {
          throw new OrchestratorError(
            'ERR_REQUEST_DECIDED',
            `request: expected a decided one, got ${request?.state ?? 'an unknown one'}`,
          );
        }
        const authority = await openAuthority({
          folder: caFolder(config),
          federationId: config.federationId,
          nowMs: nowMs(),
        });
        writeFileSync(
          o.out,
          encodeResponseFile({
            federationId: config.federationId,
            request,
            ca: authority.bundlePem,
            federationDocument: await federationDocument(federationOf(config), store),
            address: config.advertise.federation ?? `${config.listen.host}:${config.listen.port}`,
          }),
        );
        print(o, { requestId, state: request.state, file: o.out }, `written to ${o.out}`);
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
          const authority = await openAuthority({
            folder: caFolder(config),
            federationId: config.federationId,
            nowMs: nowMs(),
          });
          const epoch = await withdrawNode({
            store,
            nodeId,
            state: 'revoked',
            serials: authority.serialsOf(nodeId),
            reason: o.reason,
            by: o.by,
            nowMs: nowMs(),
          });
          print(o, { nodeId, state: 'revoked', epoch }, `${nodeId} revoked, epoch ${epoch}`);
        },
        'write',
      ),
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
