/**
 * Access events as FHIR R4 AuditEvent, so that one simulated world can be read from either format.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';

const ROLE_CODES: Partial<Record<AccessEvent['role'], string>> = {
  physician: 'doctor',
  nurse: 'nurse',
  pharmacist: 'pharmacist',
  researcher: 'researcher',
};
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

/** The resource as plain JSON; what R4 has no place for (ward as text, session, purpose list) is left out. */
export function auditEventOf(event: AccessEvent): Record<string, unknown> {
  const role = ROLE_CODES[event.role];
  const reason = event.breakGlass ? 'BTG' : REASONS[event.purpose];
  const { type, subtype, action, lifecycle } = interactionOf(event.action);
  const resource = RESOURCES[event.section];
  const label = LABELS[event.section];
  return {
    resourceType: 'AuditEvent',
    id: event.eventId,
    type: { code: type },
    ...(subtype === null ? {} : { subtype: [subtype] }),
    action,
    recorded: new Date(event.timeMs).toISOString(),
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
        ...(role === undefined ? {} : { role: [{ coding: [{ code: role }] }] }),
        who: { identifier: { value: event.actor } },
        requestor: true,
        ...(event.device === null ? {} : { network: { address: event.device, type: '1' } }),
        ...(reason === undefined ? {} : { purposeOfUse: [{ coding: [{ code: reason }] }] }),
      },
    ],
    source: {
      observer: { display: event.nodeId },
      type: [{ code: event.channel === 'batch' ? '5' : '1' }],
    },
    entity: [
      ...(event.patient === null
        ? []
        : [
            {
              what: { reference: `Patient/${event.patient}` },
              role: { code: '1' },
              ...(lifecycle === null ? {} : { lifecycle: { code: lifecycle } }),
            },
          ]),
      ...(resource === undefined || resource === 'Patient'
        ? []
        : [
            {
              what: { reference: `${resource}/${event.eventId}` },
              role: { code: '4' },
              ...(lifecycle === null ? {} : { lifecycle: { code: lifecycle } }),
              ...(label === undefined ? {} : { securityLabel: [{ code: label }, { code: 'R' }] }),
              detail: [{ type: 'count', valueString: String(event.recordCount) }],
            },
          ]),
    ],
  };
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
