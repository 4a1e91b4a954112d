/**
 * A hospital writes its own half of the configuration – log, channel, staff, ceilings – and `join` adds what the
 * federation says, in the same file, with the hospital's comments left where they are.
 * @module
 */
import { posix } from 'node:path';
import { parseDocument } from 'yaml';
import { ConfigError } from '../errors.js';

export interface FederationFacts {
  readonly nodeId: string;
  readonly federationId: string;
  /** `host:port` of the orchestrator. */
  readonly address: string;
}

/** What stands in for facts that are not known yet, so that the rest of the file can be checked. */
const UNKNOWN: FederationFacts = {
  nodeId: 'not-known-yet',
  federationId: 'not-known-yet',
  address: 'localhost:1',
};

/** In the state directory, which the node may write, unless the hospital named another place. */
const IDENTITY_FILES = { ca: 'tls/ca.pem', cert: 'tls/cert.pem', key: 'tls/key.pem' } as const;

/**
 * The text with `nodeId`, `federation.id`, `federation.address` and `federation.tls` in it.
 *
 * @param facts - null where no invitation is at hand: what the file says of itself stands
 * @throws {ConfigError} `ERR_CONFIG_SYNTAX`; `ERR_CONFIG_RELATION` if the file already names another node or federation
 */
export function completedConfig(text: string, file: string, facts: FederationFacts | null): string {
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `${file}: ${fault.message}`, { file }, fault);
  }
  const identity = [
    { at: ['nodeId'], expected: facts?.nodeId, unknown: UNKNOWN.nodeId },
    { at: ['federation', 'id'], expected: facts?.federationId, unknown: UNKNOWN.federationId },
  ];
  for (const { at, expected, unknown } of identity) {
    const got = document.getIn(at);
    if (typeof got === 'string' && expected !== undefined && got !== expected) {
      throw new ConfigError(
        'ERR_CONFIG_RELATION',
        `${file}: ${at.join('.')}: the invitation is for ${expected}, the file says ${got}`,
        { file, key: at.join('.'), got, expected },
      );
    }
    document.setIn(at, expected ?? got ?? unknown);
  }
  const address = ['federation', 'address'];
  document.setIn(address, facts?.address ?? document.getIn(address) ?? UNKNOWN.address);
  const named = document.getIn(['stateDir']);
  const stateDir = typeof named === 'string' ? named : '.';
  for (const [part, place] of Object.entries(IDENTITY_FILES)) {
    const at = ['federation', 'tls', part];
    if (typeof document.getIn(at) !== 'string') document.setIn(at, posix.join(stateDir, place));
  }
  return document.toString({ lineWidth: 0 });
}
