/**
 * How a hospital joins: the federation's authority is compared with the invitation before anything is sent, the key is
 * made here and never leaves, the hospital's own MSP says yes with a signature, a person of the federation approves after
 * comparing digits by telephone. Every step is on disk before the next, and the same command goes on after any interruption.
 *
 * | killed …                               | the same command again                                  |
 * |----------------------------------------|---------------------------------------------------------|
 * | before the request was answered        | asks again with the same key and gets the same request  |
 * | while a person compares digits         | goes on waiting                                         |
 * | between certificate and configuration  | fetches the certificate again and finishes               |
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  connectEnrolment,
  type EnrolmentClient,
  type Invitation,
  type MspIdentity,
} from '@bhschain/orchestrator/protocol';
import type { AuditLog } from '../audit/audit-log.js';
import { parseConfig, type NodeConfig } from '../config.js';
import { ConfigError, EnrolmentError } from '../errors.js';
import { writeWhole } from '../store/durable-file.js';
import { completedConfig } from './completed-config.js';
import { beginJoin, endJoin, readJoinState, type JoinState } from './join-state.js';
import { assertOurs, certificatesOf, installIdentity } from './node-identity.js';

/** A configuration as it will be, and the enrolment that it belongs to. */
export interface PreparedJoin {
  readonly configFile: string;
  readonly config: NodeConfig;
  readonly state: JoinState;
}

export interface JoinOptions {
  readonly configFile: string;
  /** The invitation; null: go on with what is under way. */
  readonly line: string | null;
  /** A node that was here before: keeps its privacy ledger, gets a new certificate. */
  readonly rejoin: boolean;
}

/**
 * Checks the hospital's half of the configuration against the invitation and makes key and request.
 *
 * @throws {ConfigError} as `loadConfig`
 * @throws {EnrolmentError} `ERR_JOIN_ALREADY`, `ERR_JOIN_NOTHING`, `ERR_JOIN_OTHER`
 */
export async function prepareJoin(
  o: JoinOptions,
  decode: (line: string) => Invitation,
): Promise<PreparedJoin> {
  const text = read(o.configFile);
  const invitation = o.line === null ? null : decode(o.line);
  // Without an invitation the file must at least say where the state is; a node that joined before says everything.
  const provisional = parseConfig(
    completedConfig(text, o.configFile, invitation === null ? null : factsOf(invitation)),
    o.configFile,
  );
  const underWay = readJoinState(provisional.stateDir);
  if (underWay === null && !o.rejoin && existsSync(provisional.federation.tls.cert)) {
    throw new EnrolmentError(
      'ERR_JOIN_ALREADY',
      `${provisional.federation.tls.cert} is there: this node has joined. \`bhs-node rotate\` makes a new key, \`bhs-node rejoin\` takes a new invitation`,
      { file: provisional.federation.tls.cert },
    );
  }
  const state = await beginJoin(provisional.stateDir, o.line);
  const config = parseConfig(
    completedConfig(text, o.configFile, factsOf(state.invitation)),
    o.configFile,
  );
  return { configFile: o.configFile, config, state };
}

const factsOf = (o: Pick<Invitation, 'nodeId' | 'federationId' | 'address'>) => ({
  nodeId: o.nodeId,
  federationId: o.federationId,
  address: o.address,
});

/** The identity with which the hospital says yes to this request. */
export function mspIdentityOf({ mspId, fabric }: NodeConfig): MspIdentity {
  return { mspId, certificate: read(fabric.cert), privateKey: read(fabric.key) };
}

export interface Asked {
  readonly client: EnrolmentClient;
  readonly requestId: string;
}

/** Compares the authority with the pin, then asks; asking again is the same request. */
export async function askToJoin(
  { config, state }: PreparedJoin,
  connect: (invitation: Invitation) => Promise<EnrolmentClient> = connectEnrolment,
): Promise<Asked> {
  const client = await connect(state.invitation);
  try {
    const { requestId } = await client.request(state.key, mspIdentityOf(config));
    return { client, requestId };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** What an approved enrolment brings, over the wire or in a file. */
export interface Approval {
  readonly certificate: string;
  /** PEM, one or more authorities. */
  readonly ca: string;
  /** `host:port` of the orchestrator. */
  readonly address: string;
}

/**
 * Waits for the decision of a person.
 * @returns the approval, or null if the time is over and nobody has decided
 * @throws {EnrolmentError} `ERR_JOIN_REFUSED` with the reason that the federation gave
 */
export async function awaitApproval(
  { client, requestId }: Asked,
  { state }: PreparedJoin,
  o: {
    readonly untilMs: number;
    readonly nowMs: () => number;
    readonly pollMs: number;
    readonly sleep: (ms: number) => Promise<void>;
  },
): Promise<Approval | null> {
  for (;;) {
    const answer = await client.poll(requestId, state.key);
    if (answer.state === 'approved') return answer;
    if (answer.state === 'refused') {
      throw new EnrolmentError(
        'ERR_JOIN_REFUSED',
        `the federation turned the request down: ${answer.reason}`,
        { reason: answer.reason },
      );
    }
    if (o.nowMs() + o.pollMs > o.untilMs) return null;
    await o.sleep(o.pollMs);
  }
}

/**
 * Checks what came, puts key and certificate in place and completes the configuration, in an order in which an
 * interruption leaves a node that has not joined or one that has.
 *
 * @throws {EnrolmentError} `ERR_CA_PIN`, `ERR_CERTIFICATE_FOREIGN`, `ERR_IDENTITY_FILES`
 */
export function finishJoin(
  { configFile, config, state }: PreparedJoin,
  approval: Approval,
  o: { readonly audit: AuditLog; readonly by: string; readonly rejoin: boolean },
): NodeConfig {
  const { invitation, key } = state;
  if (!certificatesOf(approval.ca).some((ca) => pinOf(ca) === invitation.caSpkiSha256)) {
    throw new EnrolmentError(
      'ERR_CA_PIN',
      'the authority that came is not the one of the invitation; do not go on, and call the federation',
      { nodeId: invitation.nodeId },
    );
  }
  const identity = {
    ca: approval.ca,
    certificate: approval.certificate,
    privateKey: key.privateKey,
  };
  const certificate = assertOurs(identity, invitation);
  installIdentity(config.federation.tls, identity);
  const text = completedConfig(read(configFile), configFile, {
    ...factsOf(invitation),
    address: approval.address,
  });
  const completed = parseConfig(text, configFile);
  writeWhole(configFile, text);
  o.audit.append({
    kind: o.rejoin ? 'rejoined' : 'joined',
    by: o.by,
    body: {
      federationId: invitation.federationId,
      nodeId: invitation.nodeId,
      address: approval.address,
      fingerprint: key.fingerprint,
      serial: certificate.serialNumber,
      caSpkiSha256: invitation.caSpkiSha256,
    },
  });
  endJoin(config.stateDir);
  return completed;
}

/** SHA-256 of an authority's public key: what an invitation pins. */
export function pinOf(certificate: ReturnType<typeof certificatesOf>[number]): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `${file} cannot be read`, { file }, cause);
  }
}
