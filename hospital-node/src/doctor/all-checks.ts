/**
 * Everything that the doctor looks at, in the order in which one thing rests on the other; and the part of it that can
 * be looked at before the node has a certificate.
 * @module
 */
import { createHandles, NODE_KEY_BYTES } from '../access-log/index.js';
import type { NodeConfig } from '../config.js';
import { readActorDirectory } from '../enrolment/actor-directory.js';
import type { Check } from './check.js';
import { configChecks } from './config-checks.js';
import { createContext, type DoctorContext, type Surroundings } from './context.js';
import { sourceChecks, windowChecks } from './data-checks.js';
import { activeArtefactCheck, fabricChecks } from './fabric-checks.js';
import { identityChecks } from './identity-checks.js';
import { modelChecks } from './model-checks.js';
import { networkChecks, reachabilityChecks } from './network-checks.js';
import { observabilityChecks } from './observability-checks.js';
import { privacyChecks } from './privacy-checks.js';
import { runtimeChecks } from './runtime-checks.js';
import { signInChecks } from './sign-in-checks.js';
import { diskChecks, storageChecks } from './storage-checks.js';
import { timeChecks } from './time-checks.js';

export function allChecks(context: DoctorContext): readonly Check[] {
  const { config } = context;
  return [
    ...runtimeChecks(actorCountOf(config)),
    ...configChecks(config),
    ...networkChecks(context),
    ...timeChecks(context),
    ...identityChecks(context),
    ...fabricChecks(context),
    ...sourceChecks(config),
    ...windowChecks(config),
    activeArtefactCheck(context),
    ...modelChecks(),
    ...privacyChecks(context),
    ...storageChecks(config, context.now()),
    ...observabilityChecks(config),
    ...signInChecks(config, context.now),
  ];
}

/**
 * Without the federation's certificate, without a connection to the channel, without a database.
 * @param o.offline - the hospital joins by files: nothing is dialled, so that nothing needs to answer
 */
export function preChecks(
  config: NodeConfig,
  surroundings: Surroundings,
  o: { readonly offline: boolean } = { offline: false },
): readonly Check[] {
  const context = createContext(config, surroundings);
  const mspIdentity = identityChecks(context).filter(({ code }) => code === 'IDN-005');
  return [
    ...runtimeChecks(actorCountOf(config)),
    ...configChecks(config),
    ...(o.offline ? [] : reachabilityChecks(config.federation.address)),
    ...mspIdentity,
    ...sourceChecks(config),
    ...modelChecks(),
    ...diskChecks(config),
  ];
}

/** Keeps the checks of some groups or codes: `NET`, `NET-004`. */
export function only(checks: readonly Check[], wanted: readonly string[]): readonly Check[] {
  if (wanted.length === 0) return checks;
  return checks.filter(({ code }) =>
    wanted.some((each) => code === each || code.startsWith(`${each}-`)),
  );
}

function actorCountOf(config: NodeConfig): () => number {
  return () => {
    try {
      const handles = createHandles(new Uint8Array(NODE_KEY_BYTES));
      return readActorDirectory(config.actorsFile, handles).entries.length;
    } catch {
      return 0; // DAT-008 says what is wrong with the directory
    }
  };
}
