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

/** In the state directory, which the node may write, unless the hospital named another place. */
const IDENTITY_FILES = { ca: 'tls/ca.pem', cert: 'tls/cert.pem', key: 'tls/key.pem' } as const;

/**
 * The text with `nodeId`, `federation.id`, `federation.address` and `federation.tls` in it.
 *
 * @throws {ConfigError} `ERR_CONFIG_SYNTAX`; `ERR_CONFIG_RELATION` if the file already names another node or federation
 */
export function completedConfig(text: string, file: string, facts: FederationFacts): string {
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `${file}: ${fault.message}`, { file }, fault);
  }
  const identity = [
    { at: ['nodeId'], expected: facts.nodeId },
    { at: ['federation', 'id'], expected: facts.federationId },
  ];
  for (const { at, expected } of identity) {
    const got = document.getIn(at);
    if (typeof got === 'string' && got !== expected) {
      throw new ConfigError(
        'ERR_CONFIG_RELATION',
        `${file}: ${at.join('.')}: the invitation is for ${expected}, the file says ${got}`,
        { file, key: at.join('.'), got, expected },
      );
    }
    document.setIn(at, expected);
  }
  document.setIn(['federation', 'address'], facts.address);
  const named = document.getIn(['stateDir']);
  const stateDir = typeof named === 'string' ? named : '.';
  for (const [part, place] of Object.entries(IDENTITY_FILES)) {
    const at = ['federation', 'tls', part];
    if (typeof document.getIn(at) !== 'string') document.setIn(at, posix.join(stateDir, place));
  }
  return document.toString({ lineWidth: 0 });
}
