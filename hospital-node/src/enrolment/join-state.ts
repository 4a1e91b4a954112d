/**
 * How far joining has come: key and request of an enrolment that is not through yet, each in a file of its own under the
 * state directory, so that the same command goes on with the same key after any interruption. Removed when the node has
 * its certificate.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createEnrolmentKey,
  decodeInvitation,
  type EnrolmentKey,
  type Invitation,
} from '@bhschain/orchestrator/protocol';
import { EnrolmentError } from '../errors.js';
import { writeWhole } from '../store/durable-file.js';

export interface JoinState {
  readonly invitation: Invitation;
  /** The line itself, for the command that goes on. */
  readonly line: string;
  readonly key: EnrolmentKey;
}

const FOLDER = 'enrolment';
const FILES = { line: 'invitation', key: 'key.pem', request: 'request.json' } as const;

export const joinFolder = (stateDir: string): string => join(stateDir, FOLDER);

/** The enrolment under way, or null. */
export function readJoinState(stateDir: string): JoinState | null {
  const folder = joinFolder(stateDir);
  const request = join(folder, FILES.request);
  if (!existsSync(request)) return null;
  const line = readFileSync(join(folder, FILES.line), 'utf8').trim();
  const { csr, fingerprint } = JSON.parse(readFileSync(request, 'utf8')) as {
    csr: string;
    fingerprint: string;
  };
  return {
    line,
    invitation: decodeInvitation(line),
    key: {
      privateKey: readFileSync(join(folder, FILES.key), 'utf8'),
      csr: Uint8Array.from(Buffer.from(csr, 'base64')),
      fingerprint,
    },
  };
}

/**
 * Goes on with the enrolment under way, or begins one with a new key.
 *
 * @param line - null: whatever is under way
 * @throws {EnrolmentError} `ERR_JOIN_NOTHING` without an invitation, `ERR_JOIN_OTHER` while another one is under way
 */
export async function beginJoin(stateDir: string, line: string | null): Promise<JoinState> {
  const before = readJoinState(stateDir);
  if (before !== null) {
    if (line === null || line.trim() === before.line) return before;
    if (decodeInvitation(line).nodeId !== before.invitation.nodeId) {
      throw new EnrolmentError(
        'ERR_JOIN_OTHER',
        `${stateDir}: joining as ${before.invitation.nodeId} is under way; remove ${joinFolder(stateDir)} to give that up`,
        { stateDir, nodeId: before.invitation.nodeId },
      );
    }
  }
  if (line === null) {
    throw new EnrolmentError(
      'ERR_JOIN_NOTHING',
      'invitation: expected the line bhs1:… that the federation handed out; nothing is under way here',
    );
  }
  const invitation = decodeInvitation(line);
  // A new invitation for the same node (the first one expired, say) is asked with the same key.
  const key =
    before?.key ??
    (await createEnrolmentKey({
      federationId: invitation.federationId,
      nodeId: invitation.nodeId,
    }));
  const folder = joinFolder(stateDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, FILES.line), `${line.trim()}\n`);
  writeWhole(join(folder, FILES.key), key.privateKey);
  // Written last: with it the enrolment has begun.
  writeWhole(
    join(folder, FILES.request),
    JSON.stringify({ csr: Buffer.from(key.csr).toString('base64'), fingerprint: key.fingerprint }),
  );
  return { invitation, line: line.trim(), key };
}

/** The key lies where it is used now; what is left here is not needed any more. */
export function endJoin(stateDir: string): void {
  rmSync(joinFolder(stateDir), { recursive: true, force: true });
}
