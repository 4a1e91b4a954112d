/**
 * Access events as FHIR R4 AuditEvent, so that one simulated world can be read from either format. Where a profile of IHE BALP
 * (Basic Audit Log Patterns) fits, the resource names it and carries its fields.
 * @module
 */

import { ROLES, type AccessEvent, type Role } from '@bhschain/models/features';

/** Codes of the practitioner-role value set; other roles are written under their own names, as local codes. */
const ROLE_CODES: Partial<Record<Role, string>> = { physician: 'doctor' };
const LOCAL_ROLES = 'urn:bhschain:role';

/** The local role codes, for a reader's `roles` option. */
export const AUDIT_EVENT_ROLES: Readonly<Record<string, Role>> = Object.fromEntries(
  ROLES.filter((role) => role !== 'unknown').map((role) => [ROLE_CODES[role] ?? role, role]),
);
const REASONS: Partial<Record<AccessEvent['purpose'], string>> = {
  treatment: 'TREAT',
  emergency: 'ETREAT',
  payment: 'HPAYMT',
  operations: 'HOPERAT',
  research: 'HRESCH',
  'patient-request': 'PATRQT',
  'public-health': 'PUBHLTH',
  legal: 'HLEGAL',
};
const RESOURCES: Partial<Record<AccessEvent['section'], string>> = {
  demographics: 'Patient',
  notes: 'DocumentReference',
  results: 'Observation',
  medication: 'MedicationRequest',
  imaging: 'ImagingStudy',
  orders: 'ServiceRequest',
  billing: 'Claim',
  governance: 'AuditEvent',
  'mental-health': 'DocumentReference',
  sensitive: 'Observation',
};
const LABELS: Partial<Record<AccessEvent['section'], string>> = {
  'mental-health': 'PSY',
  sensitive: 'HIV',
};
const OUTCOMES: Partial<Record<AccessEvent['outcome'], string>> = {
  success: '0',
  denied: '4',
  error: '8',
};
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const REST = 'http://hl7.org/fhir/restful-interaction';
const EXTRA_ROLE = 'http://terminology.hl7.org/CodeSystem/extra-security-role-type';

const CONFIDENTIALITY: Partial<Record<AccessEvent['sensitivity'], string>> = {
  normal: 'N',
  restricted: 'R',
  'very-restricted': 'V',
};
const SOURCE_TYPES: Partial<Record<AccessEvent['channel'], string>> = {
  ui: '1',
  api: '4',
  batch: '5',
};
const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit';
const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';

/**
 * The resource as plain JSON. What R4 has no place for (session, kind of network, the section of an event on nothing) is left out.
 */
export function auditEventOf(event: AccessEvent): Record<string, unknown> {
  const role = event.role === 'unknown' ? undefined : (ROLE_CODES[event.role] ?? event.role);
  const reason = event.breakGlass ? 'BTG' : REASONS[event.purpose];
  const { type, subtype, action, lifecycle } = interactionOf(event.action);
  const instant = new Date(event.timeMs).toISOString();
  const profile = profileOf(event);
  const sourceType = SOURCE_TYPES[event.channel];
  return {
    resourceType: 'AuditEvent',
    id: event.eventId,
    ...(profile === null ? {} : { meta: { profile: [profile] } }),
    type: { code: type },
    ...(subtype === null ? {} : { subtype: [subtype] }),
    action,
    ...(event.timeBasis === 'occurred' ? { period: { start: instant, end: instant } } : {}),
    recorded: instant,
    ...(OUTCOMES[event.outcome] === undefined ? {} : { outcome: OUTCOMES[event.outcome] }),
    ...(event.breakGlassReason === 'specific' ? { outcomeDesc: 'reason given in the record' } : {}),
    agent: [
      {
        type: {
          coding: [
            event.actorClass === 'service'
              ? { system: DCM, code: '110150' }
              : { system: EXTRA_ROLE, code: 'humanuser' },
          ],
        },
        ...(role === undefined
          ? {}
          : { role: [{ coding: [{ system: LOCAL_ROLES, code: role }] }] }),
        who: { identifier: { value: event.actor } },
        requestor: true,
        ...(event.ward === null ? {} : { location: { reference: event.ward } }),
        ...(event.device === null ? {} : { network: { address: event.device, type: '1' } }),
        ...(reason === undefined ? {} : { purposeOfUse: [{ coding: [{ code: reason }] }] }),
      },
    ],
    source: {
      observer: { display: event.nodeId },
      ...(sourceType === undefined ? {} : { type: [{ code: sourceType }] }),
    },
    entity: entitiesOf(event, lifecycle),
  };
}

/** The patient whose record it is, and the thing that was touched; labels and counts stand with the last of them. */
function entitiesOf(event: AccessEvent, lifecycle: string | null): Record<string, unknown>[] {
  const resource = event.action === 'dispense' ? 'MedicationDispense' : RESOURCES[event.section];
  const labels = [LABELS[event.section], CONFIDENTIALITY[event.sensitivity]].flatMap((code) =>
    code === undefined ? [] : [{ code }],
  );
  const facts = {
    ...(lifecycle === null ? {} : { lifecycle: { code: lifecycle } }),
    ...(labels.length === 0 ? {} : { securityLabel: labels }),
    detail: [
      { type: 'count', valueString: String(event.recordCount) },
      ...(event.bytes === null ? [] : [{ type: 'bytes', valueString: String(event.bytes) }]),
    ],
  };
  const entity = (reference: string, type: string, role: string): Record<string, unknown> => ({
    what: { reference },
    type: { system: ENTITY_TYPE, code: type },
    role: { code: role },
  });
  const entities: Record<string, unknown>[] = [];
  if (event.patient !== null) entities.push(entity(`Patient/${event.patient}`, '1', '1'));
  if (resource !== undefined && (resource !== 'Patient' || event.patient === null)) {
    entities.push(entity(`${resource}/${event.eventId}`, '2', '4'));
  }
  const last = entities.pop();
  return last === undefined ? [] : [...entities, { ...last, ...facts }];
}

/** Patient profiles where a patient is named, else the plain ones. */
function profileOf(event: AccessEvent): string | null {
  const of = event.patient === null ? '' : 'Patient';
  switch (event.action) {
    case 'read':
      return `${BALP}.${of}Read`;
    case 'create':
    case 'claim':
    case 'dispense':
      return `${BALP}.${of}Create`;
    case 'update':
      return `${BALP}.${of}Update`;
    case 'delete':
      return `${BALP}.${of}Delete`;
    default:
      return null;
  }
}

function interactionOf(action: AccessEvent['action']): {
  type: string;
  subtype: Readonly<{ system: string; code: string }> | null;
  action: string;
  lifecycle: string | null;
} {
  const rest = (code: string, letter: string): ReturnType<typeof interactionOf> => ({
    type: 'rest',
    subtype: { system: REST, code },
    action: letter,
    lifecycle: null,
  });
  const dicom = (
    type: string,
    code: string | null,
    letter: string,
  ): ReturnType<typeof interactionOf> => ({
    type,
    subtype: code === null ? null : { system: DCM, code },
    action: letter,
    lifecycle: null,
  });
  switch (action) {
    case 'login':
      return dicom('110114', '110122', 'E');
    case 'logout':
      return dicom('110114', '110123', 'E');
    case 'override':
      return dicom('110113', '110127', 'E');
    case 'grant':
      return dicom('110113', '110136', 'U');
    case 'export':
      return dicom('110106', null, 'R');
    case 'search':
      return dicom('110112', null, 'E');
    case 'print':
      return { ...rest('read', 'R'), lifecycle: '9' };
    case 'disclose':
      return { ...rest('read', 'R'), lifecycle: '11' };
    case 'delete':
      return rest('delete', 'D');
    case 'update':
      return rest('update', 'U');
    case 'create':
    case 'claim':
    case 'dispense':
      return rest('create', 'C');
    case 'execute':
      return dicom('110100', null, 'E');
    default:
      return rest('read', 'R');
  }
}
