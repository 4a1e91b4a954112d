/**
 * Joining without a connection: a request file goes out on a stick, a response file comes back. The same facts and the
 * same checks as over the wire; the invitation's pin is what makes the response trustworthy.
 * @module
 */
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mspProof } from '@bhschain/orchestrator/protocol';
import { EnrolmentError } from '../errors.js';
import { writeWhole } from '../store/durable-file.js';
import { mspIdentityOf, type Approval, type PreparedJoin } from './join.js';

/** Writes what `bhs-orchestrator import-request` reads. It holds the token, so it is readable by its owner only. */
export function writeRequestFile(file: string, { config, state }: PreparedJoin): void {
  const { invitation, key } = state;
  const msp = mspIdentityOf(config);
  const consent = sign(
    'sha256',
    mspProof(key.csr, invitation.token),
    createPrivateKey(msp.privateKey),
  );
  writeWhole(
    file,
    `${JSON.stringify(
      {
        kind: 'bhs-enrolment-request',
        version: 1,
        federationId: invitation.federationId,
        nodeId: invitation.nodeId,
        token: invitation.token,
        csr: Buffer.from(key.csr).toString('base64'),
        mspId: msp.mspId,
        mspCertificate: msp.certificate,
        mspSignature: consent.toString('base64'),
      },
      null,
      2,
    )}\n`,
  );
}

/**
 * Reads what `bhs-orchestrator export-response` wrote.
 * @throws {EnrolmentError} `ERR_RESPONSE_FILE` naming the property; `ERR_JOIN_REFUSED`
 */
export function readResponseFile(file: string, { state }: PreparedJoin): Approval {
  const { invitation } = state;
  const value = parse(file);
  const text = (name: string): string => {
    const found = value[name];
    if (typeof found === 'string') return found;
    throw refused(file, name, 'a string', typeof found);
  };
  const expect = (name: string, expected: string): void => {
    if (text(name) !== expected) throw refused(file, name, expected, text(name).slice(0, 64));
  };
  expect('kind', 'bhs-enrolment-response');
  if (value['version'] !== 1) throw refused(file, 'version', '1', String(value['version']));
  expect('federationId', invitation.federationId);
  expect('nodeId', invitation.nodeId);
  if (text('state') === 'refused') {
    throw new EnrolmentError(
      'ERR_JOIN_REFUSED',
      `the federation turned the request down: ${text('reason')}`,
      { reason: text('reason') },
    );
  }
  expect('state', 'approved');
  return { certificate: text('certificate'), ca: text('ca'), address: text('address') };
}

function parse(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new EnrolmentError('ERR_RESPONSE_FILE', `${file}: not readable JSON`, { file }, cause);
  }
  throw new EnrolmentError('ERR_RESPONSE_FILE', `${file}: expected an object`, { file });
}

function refused(file: string, name: string, expected: string, got: string): EnrolmentError {
  return new EnrolmentError(
    'ERR_RESPONSE_FILE',
    `${file}: ${name}: expected ${expected}, got ${got}`,
    { file, property: name, expected, got },
  );
}
