/**
 * FHIR R4 AuditEvent → access events. First match wins; what a mapping does not know is `unknown`, never a guess. Names,
 * addresses and free text are not taken over.
 *
 * Source: https://hl7.org/fhir/R4/auditevent.html; action codes of DICOM PS3.16 (1101xx).
 * @module
 */
import type { AccessEvent } from '../access-event.js';
import { FeatureError, pictureOf } from '../errors.js';
import type { Action, ActorClass, Purpose, Role } from '../vocabulary.js';
import {
  PURPOSE_OF_REASON,
  RESOURCE_OF_TYPE,
  ROLE_OF_CODE,
  SECTION_OF_LABEL,
  SENSITIVITY_OF_LABEL,
} from './codes.js';
import { codingCodes, conceptCodes, listIn, objectIn, textIn, type Json } from './json-view.js';

export interface AuditEventOptions {
  readonly nodeId: string;
  /** Local role codes, before the built-in ones. */
  readonly roles?: Readonly<Record<string, Role>>;
  /** `entity.detail.type` of a declared record count and of a size in bytes; default `count` and `bytes`. */
  readonly countDetail?: string;
  readonly bytesDetail?: string;
  /** R4 has no session: one actor on one device, split at pauses longer than this; default 30 minutes. */
  readonly sessionPauseMs?: number;
}

export interface AuditEventMapper {
  /**
   * The access events of one resource: one per patient it names, with `#2` … on further ids.
   *
   * @throws {FeatureError} `ERR_AUDIT_EVENT` with the element as `path`, for what is no R4 AuditEvent or lacks id, time or agent
   */
  map(resource: unknown, sequence?: bigint | null): AccessEvent[];
}

const PAUSE_MS = 1_800_000;
const BREAK_GLASS_IDLE_MS = 1_800_000;
const DCM = {
  export: '110106',
  query: '110112',
  security: '110113',
  authentication: '110114',
  login: '110122',
  logout: '110123',
  breakGlassOn: '110127',
  breakGlassOff: '110138',
  application: '110150',
  sourceAgent: '110153',
};
const PRIVILEGE_CODES = ['110135', '110136', '110137'];
/** Reasons that say nothing. */
const GENERIC_REASONS = ['', 'other', 'emergency', 'test', 'n/a', 'none', 'unknown'];

/** A mapper keeps what R4 leaves to the reader: sessions and open break-glass spans per actor. */
export function createAuditEventMapper(options: AuditEventOptions): AuditEventMapper {
  const sessions = new Map<string, { id: string; lastMs: number }>();
  const spans = new Map<string, number>();
  const pauseMs = options.sessionPauseMs ?? PAUSE_MS;
  return {
    map(resource, sequence = null) {
      const audit = checked(resource);
      const facts = factsOf(audit, options);
      const key = `${facts.actor} ${facts.device ?? ''}`;
      const known = sessions.get(key);
      const fresh = known === undefined || facts.timeMs - known.lastMs > pauseMs;
      const id = fresh ? `${facts.eventId} session` : known.id;
      sessions.set(key, { id, lastMs: Math.max(facts.timeMs, known?.lastMs ?? 0) });
      const breakGlass = inBreakGlass(audit, facts, spans);
      const patients = patientsOf(audit);
      return (patients.length === 0 ? [null] : patients).map((patient, i): AccessEvent => ({
        ...facts,
        eventId: i === 0 ? facts.eventId : `${facts.eventId}#${i + 1}`,
        sequence,
        session: id.slice(0, 256),
        patient,
        breakGlass,
        breakGlassReason: breakGlass ? reasonOf(audit) : 'none',
      }));
    },
  };
}

function checked(resource: unknown): Json {
  if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) {
    return refuse('resource', resource, 'an AuditEvent');
  }
  const audit = resource as Json;
  const type = audit['resourceType'];
  if (type === 'Bundle') refuse('resourceType', type, 'one AuditEvent a line, not a Bundle');
  if (type !== 'AuditEvent') refuse('resourceType', type, 'AuditEvent');
  const later =
    ('code' in audit && !('type' in audit)) ||
    typeof audit['outcome'] === 'object' ||
    'occurredPeriod' in audit ||
    'occurredDateTime' in audit;
  if (later) refuse('AuditEvent', 'the R5 form', 'FHIR R4 (type, period, outcome as a code)');
  return audit;
}

type Facts = Omit<
  AccessEvent,
  'sequence' | 'session' | 'patient' | 'breakGlass' | 'breakGlassReason'
>;

function factsOf(audit: Json, options: AuditEventOptions): Facts {
  const agent = requestorOf(audit);
  const period = objectIn(audit, 'period');
  const start = textIn(period, 'start');
  const { resourceType, section, labels } = subjectOf(audit);
  const codes = conceptCodes(agent, 'role').concat(codingCodes(objectIn(agent, 'type'), 'coding'));
  const network = objectIn(agent, 'network');
  return {
    eventId: textIn(audit, 'id') ?? refuse('id', audit['id'], 'an id'),
    source: 'fhir',
    nodeId: options.nodeId,
    timeMs: instantOf(start ?? audit['recorded'], start === null ? 'recorded' : 'period.start'),
    timeBasis: start === null ? 'recorded' : 'occurred',
    timeGranularity: 'exact',
    actor: actorOf(agent),
    actorClass: classOf(agent),
    role: firstOf(codes, { ...ROLE_OF_CODE, ...options.roles }) ?? 'unknown',
    ward: cut(textIn(objectIn(agent, 'location'), 'reference')),
    action: actionOf(audit, resourceType),
    resourceType,
    section: firstOf(labels, SECTION_OF_LABEL) ?? section,
    sensitivity: firstOf(labels, SENSITIVITY_OF_LABEL) ?? 'unknown',
    purpose: purposeOf(audit, agent),
    recordCount: Math.max(
      1,
      detailOf(audit, options.countDetail ?? 'count') ??
        listIn(audit, 'entity').filter((e) => ['3', '4'].includes(roleOfEntity(e) ?? '')).length,
    ),
    bytes: detailOf(audit, options.bytesDetail ?? 'bytes'),
    outcome: OUTCOMES[textIn(audit, 'outcome') ?? ''] ?? 'unknown',
    channel: channelOf(audit),
    device: cut(textIn(network, 'address')),
    network: 'unknown',
    code: null,
  };
}

const OUTCOMES: Readonly<Record<string, AccessEvent['outcome']>> = {
  '0': 'success',
  '4': 'denied',
  '8': 'error',
  '12': 'error',
};

/** Of several requestors the human; without any, the DICOM source agent. */
function requestorOf(audit: Json): Json {
  const agents = listIn(audit, 'agent');
  const requestors = agents.filter((agent) => agent['requestor'] === true);
  return (
    requestors.find((agent) => classOf(agent) === 'person') ??
    requestors[0] ??
    agents.find((agent) =>
      codingCodes(objectIn(agent, 'type'), 'coding').includes(DCM.sourceAgent),
    ) ??
    refuse('agent', agents.length, 'an agent that is the requestor or the source')
  );
}

function actorOf(agent: Json): string {
  const who = objectIn(agent, 'who');
  const identifier = objectIn(who, 'identifier');
  const value = textIn(identifier, 'value');
  const system = textIn(identifier, 'system');
  const named = value === null ? null : system === null ? value : `${system}|${value}`;
  const name = named ?? textIn(who, 'reference') ?? textIn(agent, 'altId');
  return cut(name) ?? refuse('agent.who', agent['who'], 'an identifier, a reference or an altId');
}

const PEOPLE = ['Practitioner', 'PractitionerRole', 'RelatedPerson', 'Patient'];

function classOf(agent: Json): ActorClass {
  const codes = codingCodes(objectIn(agent, 'type'), 'coding');
  const type = referenceOf(objectIn(agent, 'who'))?.type ?? '';
  if (codes.includes('humanuser') || PEOPLE.includes(type)) return 'person';
  const service =
    type === 'Device' || [DCM.sourceAgent, DCM.application].some((c) => codes.includes(c));
  return service ? 'service' : 'unknown';
}

function subjectOf(audit: Json): {
  resourceType: AccessEvent['resourceType'];
  section: AccessEvent['section'];
  labels: string[];
} {
  const entities = listIn(audit, 'entity');
  const types = entities.map(
    (entity) =>
      referenceOf(objectIn(entity, 'what'))?.type ?? textIn(objectIn(entity, 'type'), 'code') ?? '',
  );
  // The patient is whose record it is; what was touched is the first other thing.
  const known = types.filter((type) => Object.hasOwn(RESOURCE_OF_TYPE, type));
  const type = known.find((each) => each !== 'Patient') ?? known[0];
  const [resourceType, section] =
    type === undefined ? (['unknown', 'unknown'] as const) : RESOURCE_OF_TYPE[type]!;
  return {
    resourceType,
    section: entities.length === 0 ? 'none' : section,
    labels: entities.flatMap((entity) => codingCodes(entity, 'securityLabel')),
  };
}

function patientsOf(audit: Json): string[] {
  const entities = listIn(audit, 'entity');
  const byRole = entities.filter((entity) => roleOfEntity(entity) === '1');
  const chosen =
    byRole.length > 0
      ? byRole
      : entities.filter((e) => referenceOf(objectIn(e, 'what'))?.type === 'Patient');
  const names = chosen.flatMap((entity) => {
    const what = objectIn(entity, 'what');
    const name =
      textIn(what, 'reference') === null
        ? textIn(objectIn(what, 'identifier'), 'value')
        : (referenceOf(what)?.id ?? textIn(what, 'reference'));
    return cut(name) ?? [];
  });
  return [...new Set(names)];
}

function roleOfEntity(entity: Json): string | null {
  return textIn(objectIn(entity, 'role'), 'code');
}

function referenceOf(what: Json | null): { type: string; id: string } | null {
  const reference = textIn(what, 'reference') ?? '';
  const match = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(
    reference,
  );
  return match === null ? null : { type: match[1]!, id: match[2]! };
}

function actionOf(audit: Json, resourceType: AccessEvent['resourceType']): Action {
  const type = textIn(objectIn(audit, 'type'), 'code') ?? '';
  const subtypes = codingCodes(audit, 'subtype');
  const has = (code: string): boolean => subtypes.includes(code);
  const letter = textIn(audit, 'action') ?? '';
  const lifecycles = listIn(audit, 'entity').map(
    (e) => textIn(objectIn(e, 'lifecycle'), 'code') ?? '',
  );
  const lifecycle = (...codes: string[]): boolean =>
    lifecycles.some((code) => codes.includes(code));
  if (has(DCM.breakGlassOn)) return 'override';
  if (type === DCM.export || lifecycle('10')) return 'export';
  if (lifecycle('11')) return 'disclose';
  if (lifecycle('9')) return 'print';
  if (lifecycle('14', '15')) return 'delete';
  if (type === DCM.authentication && has(DCM.login)) return 'login';
  if (type === DCM.authentication && has(DCM.logout)) return 'logout';
  if (type === DCM.security && PRIVILEGE_CODES.some(has)) return 'grant';
  if (resourceType === 'consent' && (letter === 'C' || letter === 'U')) return 'consent';
  if (resourceType === 'claim' && letter === 'C') return 'claim';
  if (letter === 'C' && touches(audit, 'MedicationDispense')) return 'dispense';
  if (type === DCM.query || subtypes.some((code) => code.startsWith('search'))) return 'search';
  if (has('$export') || has('$everything')) return 'export';
  if (subtypes.some((code) => ['read', 'vread'].includes(code) || code.startsWith('history'))) {
    return 'read';
  }
  if (has('create')) return 'create';
  if (has('update') || has('patch')) return 'update';
  if (has('delete')) return 'delete';
  return LETTERS[letter] ?? 'unknown';
}

const LETTERS: Readonly<Record<string, Action>> = {
  C: 'create',
  R: 'read',
  U: 'update',
  D: 'delete',
  E: 'execute',
};

function touches(audit: Json, type: string): boolean {
  return listIn(audit, 'entity').some((e) => referenceOf(objectIn(e, 'what'))?.type === type);
}

function purposeOf(audit: Json, agent: Json): Purpose {
  const own = conceptCodes(agent, 'purposeOfUse');
  const codes = own.length > 0 ? own : conceptCodes(audit, 'purposeOfEvent');
  return firstOf(codes, PURPOSE_OF_REASON) ?? 'unknown';
}

/** Purpose BTG, or inside an actor's span from 110127 to 110138, closed after 30 idle minutes. */
function inBreakGlass(audit: Json, facts: Facts, spans: Map<string, number>): boolean {
  const subtypes = codingCodes(audit, 'subtype');
  const since = spans.get(facts.actor);
  const open = since !== undefined && facts.timeMs - since <= BREAK_GLASS_IDLE_MS;
  if (subtypes.includes(DCM.breakGlassOff)) spans.delete(facts.actor);
  else if (open || subtypes.includes(DCM.breakGlassOn)) spans.set(facts.actor, facts.timeMs);
  const reasons = listIn(audit, 'agent').flatMap((agent) => conceptCodes(agent, 'purposeOfUse'));
  return (
    open ||
    subtypes.includes(DCM.breakGlassOn) ||
    reasons.concat(conceptCodes(audit, 'purposeOfEvent')).includes('BTG')
  );
}

/** Only the class of the reason is kept; its text is not. */
function reasonOf(audit: Json): 'generic' | 'specific' {
  const text = (textIn(audit, 'outcomeDesc') ?? '').trim().toLowerCase();
  return GENERIC_REASONS.includes(text) ? 'generic' : 'specific';
}

function detailOf(audit: Json, type: string): number | null {
  for (const detail of listIn(audit, 'entity').flatMap((entity) => listIn(entity, 'detail'))) {
    if (detail['type'] !== type) continue;
    const text =
      textIn(detail, 'valueString') ?? decodedBase64(textIn(detail, 'valueBase64Binary'));
    if (text !== null && /^\d{1,15}$/.test(text)) return Number(text);
  }
  return null;
}

function decodedBase64(text: string | null): string | null {
  if (text === null || !/^[A-Za-z0-9+/]{1,40}={0,2}$/.test(text)) return null;
  try {
    return atob(text);
  } catch {
    return null;
  }
}

function channelOf(audit: Json): AccessEvent['channel'] {
  const [type] = codingCodes(objectIn(audit, 'source'), 'type');
  if (type === '1' || type === '3') return 'ui';
  if (type === '2' || type === '4') return 'api';
  return type === '5' ? 'batch' : 'unknown';
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

function instantOf(value: unknown, path: string): number {
  const timeMs = typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : NaN;
  return timeMs >= 0 ? timeMs : refuse(path, value, 'an instant with seconds and zone');
}

function firstOf<T>(codes: readonly string[], table: Readonly<Record<string, T>>): T | undefined {
  const code = codes.find((each) => Object.hasOwn(table, each));
  return code === undefined ? undefined : table[code];
}

function cut(text: string | null): string | null {
  return text === null ? null : text.slice(0, 256);
}

function refuse(path: string, got: unknown, expected: string): never {
  throw new FeatureError('ERR_AUDIT_EVENT', { path, got: pictureOf(got), expected });
}
