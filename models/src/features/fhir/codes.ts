/**
 * Code tables of FHIR R4 AuditEvent. The code system stands with each table; local codes are added by options, never here.
 * @module
 */
import type { Purpose, ResourceType, Role, Section } from '../vocabulary.js';

/** http://terminology.hl7.org/CodeSystem/v3-ActReason, walked up to a parent that we know. */
export const PURPOSE_OF_REASON: Readonly<Record<string, Purpose>> = {
  TREAT: 'treatment',
  CAREMGT: 'treatment',
  CLINTRCH: 'research',
  COC: 'treatment',
  ETREAT: 'emergency',
  BTG: 'emergency',
  ERTREAT: 'emergency',
  HPAYMT: 'payment',
  CLMATTCH: 'payment',
  COVAUTH: 'payment',
  COVERAGE: 'payment',
  ELIGDTRM: 'payment',
  REMITADV: 'payment',
  HLEGAL: 'legal',
  HOPERAT: 'operations',
  DONAT: 'operations',
  HACCRED: 'operations',
  HCOMPL: 'operations',
  HDECD: 'operations',
  HDIRECT: 'operations',
  HQUALIMP: 'operations',
  HSYSADMIN: 'operations',
  PATADMIN: 'operations',
  RECORDMGT: 'operations',
  TRAIN: 'operations',
  HRESCH: 'research',
  BIORCH: 'research',
  DSRCH: 'research',
  PATRQT: 'patient-request',
  FAMRQT: 'patient-request',
  PWATRNY: 'patient-request',
  PUBHLTH: 'public-health',
  DISASTER: 'public-health',
  THREAT: 'public-health',
};

/** http://terminology.hl7.org/CodeSystem/practitioner-role */
export const ROLE_OF_CODE: Readonly<Record<string, Role>> = {
  doctor: 'physician',
  nurse: 'nurse',
  pharmacist: 'pharmacist',
  researcher: 'researcher',
  ict: 'administrator',
};

/** FHIR R4 resource types. */
export const RESOURCE_OF_TYPE: Readonly<Record<string, readonly [ResourceType, Section]>> = {
  Patient: ['patient', 'demographics'],
  RelatedPerson: ['patient', 'demographics'],
  Encounter: ['encounter', 'none'],
  Observation: ['observation', 'results'],
  DiagnosticReport: ['observation', 'results'],
  DocumentReference: ['document', 'notes'],
  Composition: ['document', 'notes'],
  ClinicalImpression: ['document', 'notes'],
  Medication: ['medication', 'medication'],
  MedicationAdministration: ['medication', 'medication'],
  MedicationDispense: ['medication', 'medication'],
  MedicationRequest: ['medication', 'medication'],
  MedicationStatement: ['medication', 'medication'],
  ImagingStudy: ['imaging', 'imaging'],
  Media: ['imaging', 'imaging'],
  ServiceRequest: ['order', 'orders'],
  Task: ['order', 'orders'],
  Claim: ['claim', 'billing'],
  Coverage: ['claim', 'billing'],
  ExplanationOfBenefit: ['claim', 'billing'],
  Account: ['account', 'billing'],
  Consent: ['consent', 'governance'],
  Provenance: ['audit', 'governance'],
  AuditEvent: ['audit', 'governance'],
  Schedule: ['schedule', 'none'],
  Appointment: ['schedule', 'none'],
};

/** http://terminology.hl7.org/CodeSystem/v3-ActCode: labels that name a section, whatever the resource. */
export const SECTION_OF_LABEL: Readonly<Record<string, Section>> = {
  PSY: 'mental-health',
  HIV: 'sensitive',
  ETH: 'sensitive',
  SEX: 'sensitive',
};

/** http://terminology.hl7.org/CodeSystem/v3-Confidentiality */
export const SENSITIVITY_OF_LABEL: Readonly<
  Record<string, 'normal' | 'restricted' | 'very-restricted'>
> = {
  U: 'normal',
  L: 'normal',
  M: 'normal',
  N: 'normal',
  R: 'restricted',
  V: 'very-restricted',
};
