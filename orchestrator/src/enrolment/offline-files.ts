/**
 * Enrolment without a connection: the request travels as a file, and so does the answer. The checks are the same.
 * @module
 */
import { Ajv } from 'ajv';
import { Type } from 'typebox';
import { OrchestratorError } from '../errors.js';
import type { EnrolmentRequest } from '../store/store.js';

/** What `RequestEnrolment` carries, out of a file. */
export interface RequestFile {
  readonly token: string;
  readonly nodeId: string;
  readonly csr: Uint8Array;
  readonly mspId: string;
  readonly mspCertificate: string;
  readonly mspSignature: Uint8Array;
}

const TEXT = Type.String({ minLength: 1, maxLength: 16_384 });
const validate = new Ajv().compile<Record<keyof RequestFile, string>>(
  Type.Object(
    {
      kind: Type.Literal('bhs-enrolment-request'),
      version: Type.Literal(1),
      federationId: TEXT,
      nodeId: TEXT,
      token: TEXT,
      /** Base64 of PKCS#10 in DER. */
      csr: TEXT,
      mspId: TEXT,
      /** PEM */
      mspCertificate: TEXT,
      /** Base64 of DER. */
      mspSignature: TEXT,
    },
    { additionalProperties: false },
  ),
);

/** @throws {OrchestratorError} `ERR_REQUEST_FILE` naming the field */
export function decodeRequestFile(text: string): RequestFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OrchestratorError('ERR_REQUEST_FILE', 'request file: expected JSON', {}, cause);
  }
  if (!validate(value)) {
    const error = validate.errors?.[0];
    throw new OrchestratorError(
      'ERR_REQUEST_FILE',
      `request file: ${error?.instancePath ?? ''} ${error?.message ?? 'is not of its format'}`,
    );
  }
  return {
    token: value.token,
    nodeId: value.nodeId,
    csr: new Uint8Array(Buffer.from(value.csr, 'base64')),
    mspId: value.mspId,
    mspCertificate: value.mspCertificate,
    mspSignature: new Uint8Array(Buffer.from(value.mspSignature, 'base64')),
  };
}

export function encodeResponseFile(
  o: Readonly<{
    federationId: string;
    request: EnrolmentRequest;
    /** PEM bundle. */
    ca: string;
    federationDocument: Uint8Array;
    /** `host:port` of FederationService. */
    address: string;
  }>,
): string {
  const approved = o.request.state === 'approved';
  const response = {
    kind: 'bhs-enrolment-response',
    version: 1,
    federationId: o.federationId,
    nodeId: o.request.nodeId,
    state: o.request.state,
    reason: o.request.reason,
    certificate: o.request.certificate,
    ca: approved ? o.ca : '',
    federationDocument: approved ? Buffer.from(o.federationDocument).toString('base64') : '',
    address: approved ? o.address : '',
  };
  return `${JSON.stringify(response, null, 2)}\n`;
}
