/**
 * The connection to the orchestrator, which notices when the node's certificate was exchanged – by itself or by
 * `bhs-node rotate` beside it – and goes on with the new one. Calls that are under way end on the connection that they
 * began on.
 * @module
 */
import { statSync } from 'node:fs';
import { createFederationClient, type FederationClient } from '@bhschain/orchestrator/protocol';
import { readIdentityFiles, settleIdentity } from '../enrolment/node-identity.js';
import { readText, type Surroundings } from './surroundings.js';

/** @param create - what dials; for tests */
export function openFederation(
  { config, nowMs }: Pick<Surroundings, 'config' | 'nowMs'>,
  create: typeof createFederationClient = createFederationClient,
): FederationClient {
  const { id, address, tls, signerCa } = config.federation;
  const connect = (): FederationClient => {
    const { ca, certificate, privateKey } = readIdentityFiles(tls);
    return create({
      address,
      federationId: id,
      nodeId: config.nodeId,
      ca,
      certificate,
      privateKey,
      trustedSigners: [readText(signerCa)],
      nowMs,
    });
  };
  /** Changes whenever the certificate's file is replaced. */
  const versionOf = (): string => {
    settleIdentity(tls);
    const found = statSync(tls.cert, { throwIfNoEntry: false });
    return found === undefined ? '' : `${found.ino}/${found.mtimeMs}`;
  };
  let version = versionOf();
  let current = connect();
  const replaced: FederationClient[] = [];
  const newest = (): FederationClient => {
    const found = versionOf();
    if (found !== version && found !== '') {
      replaced.push(current);
      current = connect();
      version = found;
    }
    return current;
  };
  const close = (): void => {
    for (const client of [...replaced, current]) client.close();
  };
  return new Proxy(current, {
    get: (_, name) => {
      if (name === 'close' || name === Symbol.dispose) return close;
      const client = newest();
      const found: unknown = Reflect.get(client, name);
      return typeof found === 'function' ? (found.bind(client) as unknown) : found;
    },
  });
}
