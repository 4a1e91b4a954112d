/**
 * Errors of the network launcher. The README of `chaincode-hooks/network` says what to do about each.
 * @module
 */

export type NetworkErrorCode =
  | 'ERR_NETWORK_BINARIES'
  | 'ERR_NETWORK_DIRECTORY'
  | 'ERR_NETWORK_GO'
  | 'ERR_NETWORK_OPTION'
  | 'ERR_NETWORK_PLATFORM'
  | 'ERR_NETWORK_PORT'
  | 'ERR_NETWORK_PROCESS'
  | 'ERR_NETWORK_TIMEOUT'
  | 'ERR_NETWORK_TOOL';

export type NetworkFacts = Readonly<Record<string, string | number | boolean | null>>;

export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly code: NetworkErrorCode;
  readonly facts: NetworkFacts;

  constructor(
    code: NetworkErrorCode,
    sentence: string,
    facts: NetworkFacts = {},
    options?: ErrorOptions,
  ) {
    super(sentence, options);
    this.code = code;
    this.facts = facts;
  }
}
