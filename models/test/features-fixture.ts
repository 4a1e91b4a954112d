/** Events and calls for the feature tests. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  ACTIONS,
  ACTOR_CLASSES,
  BREAK_GLASS_REASONS,
  CHANNELS,
  NETWORKS,
  OUTCOMES,
  PURPOSES,
  RESOURCE_TYPES,
  ROLES,
  SECTIONS,
  SENSITIVITIES,
  SOURCES,
  TIME_BASES,
  TIME_GRANULARITIES,
  actOf,
  type AccessEvent,
  type GuardedCall,
  type LedgerNames,
} from '../src/features/index.js';

export const T0: number = Date.UTC(2026, 2, 2, 8);

export function eventOf(fields: Partial<AccessEvent> = {}): AccessEvent {
  return {
    eventId: 'e1',
    source: 'native',
    nodeId: 'H1',
    timeMs: T0,
    timeBasis: 'occurred',
    timeGranularity: 'exact',
    sequence: 7n,
    actor: 'nurse-1',
    actorClass: 'person',
    role: 'nurse',
    ward: 'W1',
    session: 's1',
    action: 'read',
    resourceType: 'observation',
    section: 'results',
    sensitivity: 'normal',
    purpose: 'treatment',
    breakGlass: false,
    breakGlassReason: 'none',
    patient: 'H1-P0001',
    recordCount: 1,
    bytes: null,
    outcome: 'success',
    channel: 'ui',
    device: 'd1',
    network: 'internal',
    code: null,
    ...fields,
  };
}

export function callOf(fields: Partial<GuardedCall> = {}): GuardedCall {
  return {
    functionName: 'requestAccess',
    act: actOf('read', 'results'),
    role: ROLES.indexOf('nurse'),
    purpose: PURPOSES.indexOf('treatment'),
    section: SECTIONS.indexOf('results'),
    sensitivity: 0,
    breakGlass: false,
    recordTag: 1,
    homeRecord: true,
    recordCount: 1,
    timeMs: T0,
    timeGranularity: 'exact',
    ...fields,
  };
}

const handle = fc.stringMatching(/^(?:H[1-8]-)?[A-Za-z0-9]{1,12}$/);

export const anyEvent: fc.Arbitrary<AccessEvent> = fc.record({
  eventId: fc.stringMatching(/^[a-z0-9]{1,12}$/),
  source: fc.constantFrom(...SOURCES),
  nodeId: fc.constantFrom('H1', 'H2', 'H3'),
  timeMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  timeBasis: fc.constantFrom(...TIME_BASES),
  timeGranularity: fc.constantFrom(...TIME_GRANULARITIES),
  sequence: fc.option(fc.bigInt({ min: 0n, max: 10n ** 18n })),
  actor: handle,
  actorClass: fc.constantFrom(...ACTOR_CLASSES),
  role: fc.constantFrom(...ROLES),
  ward: fc.option(fc.stringMatching(/^[A-Za-z0-9 ]{1,12}$/)),
  session: fc.option(handle),
  action: fc.constantFrom(...ACTIONS),
  resourceType: fc.constantFrom(...RESOURCE_TYPES),
  section: fc.constantFrom(...SECTIONS),
  sensitivity: fc.constantFrom(...SENSITIVITIES),
  purpose: fc.constantFrom(...PURPOSES),
  breakGlass: fc.boolean(),
  breakGlassReason: fc.constantFrom(...BREAK_GLASS_REASONS),
  patient: fc.option(handle),
  recordCount: fc.integer({ min: 1, max: 1_000_000 }),
  bytes: fc.option(fc.integer({ min: 0, max: 2 ** 40 })),
  outcome: fc.constantFrom(...OUTCOMES),
  channel: fc.constantFrom(...CHANNELS),
  device: fc.option(handle),
  network: fc.constantFrom(...NETWORKS),
  code: fc.option(fc.integer({ min: 0, max: 59_999 }).map(String)),
});

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Names as a gateway would make them, but by hashing instead of at random. */
export const names: LedgerNames = {
  recordHandle: (patient) =>
    `${/^(H[1-9]\d?)-/.exec(patient)?.[1] ?? 'H1'}-${sha(patient).slice(0, 16)}`,
  sessionHandle: (session) => sha(`session ${session}`).slice(0, 16),
  digestOf: sha,
};
