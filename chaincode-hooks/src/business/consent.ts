/**
 * A consent as a pure state machine: (consent, step, who, when) → next consent, or a denial.
 *
 * | from                                  | step     | by                                          | to        |
 * |---------------------------------------|----------|---------------------------------------------|-----------|
 * | –                                     | request  | the grantee's side                          | requested |
 * | requested                             | grant    | grantor, with the digest of the signed form | granted   |
 * | requested                             | decline  | grantor                                     | declined  |
 * | granted                               | activate | grantee's side or custodian, inside validity | active   |
 * | active                                | suspend  | custodian                                   | suspended |
 * | suspended                             | resume   | custodian                                   | active    |
 * | granted, active, suspended            | narrow   | grantor; purposes and sections only shrink  | the same  |
 * | requested, granted, active, suspended | revoke   | grantor; for ever                           | revoked   |
 *
 * Custodian: a consent officer of the record's home hospital. Grantor: the custodian, or the patient's delegate, whose
 * certificate names the record. Expiry is computed from transaction time, never a state.
 * @module
 */
import { Denial } from '../denial.js';
import type { Caller } from '../guard-context.js';
import { custodianOf } from './custody.js';

export const CONSENT_STATES = [
  'requested',
  'granted',
  'declined',
  'active',
  'suspended',
  'revoked',
] as const;
export type ConsentState = (typeof CONSENT_STATES)[number];

export const CONSENT_STEPS = [
  'grant',
  'decline',
  'activate',
  'suspend',
  'resume',
  'revoke',
  'narrow',
] as const;
export type ConsentStep = (typeof CONSENT_STEPS)[number];

/** Whom a consent is for; an empty property stands for anybody. */
export interface Grantee {
  readonly mspId: string;
  readonly role: string;
  readonly ward: string;
  readonly actor: string;
}

export interface ConsentTerms {
  readonly record: string;
  readonly grantee: Grantee;
  readonly purposes: readonly string[];
  readonly sections: readonly string[];
  /** Transaction time, both ends included. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface Consent extends ConsentTerms {
  /** Transaction id of the request. */
  readonly consent: string;
  readonly state: ConsentState;
  readonly version: number;
  /** SHA-256 of the signed form, which stays off the channel; empty until it is granted. */
  readonly documentDigest: string;
  /** Who changed it last, when, and why. */
  readonly by: string;
  readonly atMs: number;
  readonly reasonClass: string;
}

export interface ConsentCommand {
  readonly caller: Caller;
  readonly atMs: number;
  readonly documentDigest?: string;
  readonly reasonClass?: string;
  readonly purposes?: readonly string[];
  readonly sections?: readonly string[];
}

type Party = 'grantor' | 'custodian' | 'grantee-or-custodian';

interface Transition {
  readonly from: readonly ConsentState[];
  /** Null: it stays where it is. */
  readonly to: ConsentState | null;
  readonly by: Party;
  /** Refused once the validity is over. */
  readonly whileValid: boolean;
}

export const CONSENT_TRANSITIONS: Readonly<Record<ConsentStep, Transition>> = {
  grant: { from: ['requested'], to: 'granted', by: 'grantor', whileValid: true },
  decline: { from: ['requested'], to: 'declined', by: 'grantor', whileValid: false },
  activate: { from: ['granted'], to: 'active', by: 'grantee-or-custodian', whileValid: true },
  suspend: { from: ['active'], to: 'suspended', by: 'custodian', whileValid: false },
  resume: { from: ['suspended'], to: 'active', by: 'custodian', whileValid: true },
  narrow: { from: ['granted', 'active', 'suspended'], to: null, by: 'grantor', whileValid: false },
  revoke: {
    from: ['requested', 'granted', 'active', 'suspended'],
    to: 'revoked',
    by: 'grantor',
    whileValid: false,
  },
};

const CUSTODIAN_ROLE = 'consent-officer';
const DELEGATE_ROLE = 'patient-delegate';

/** A request; only for one's own organisation, and not for a time that is over. */
export function requestConsent(
  consent: string,
  terms: ConsentTerms,
  { caller, atMs }: ConsentCommand,
): Consent | Denial {
  if (terms.grantee.mspId !== caller.mspId) return new Denial('wrong-organisation');
  if (terms.notAfterMs < terms.notBeforeMs) return new Denial('malformed');
  if (terms.notAfterMs < atMs) return new Denial('expired');
  return {
    ...terms,
    consent,
    state: 'requested',
    version: 1,
    documentDigest: '',
    by: caller.actor,
    atMs,
    reasonClass: 'none',
  };
}

export function advanceConsent(
  consent: Consent,
  step: ConsentStep,
  command: ConsentCommand,
): Consent | Denial {
  const { from, to, by, whileValid } = CONSENT_TRANSITIONS[step];
  const { caller, atMs } = command;
  if (!isParty(by, consent, caller)) return new Denial('wrong-role');
  if (!from.includes(consent.state)) return new Denial('wrong-state');
  if (whileValid && atMs > consent.notAfterMs) return new Denial('expired');
  if (step === 'activate' && atMs < consent.notBeforeMs) return new Denial('not-yet-valid');
  const purposes = command.purposes ?? consent.purposes;
  const sections = command.sections ?? consent.sections;
  if (!isWithin(purposes, consent.purposes) || !isWithin(sections, consent.sections)) {
    return new Denial('widening');
  }
  return {
    ...consent,
    purposes,
    sections,
    state: to ?? consent.state,
    version: consent.version + 1,
    documentDigest: command.documentDigest ?? consent.documentDigest,
    by: caller.actor,
    atMs,
    reasonClass: command.reasonClass ?? 'none',
  };
}

function isParty(party: Party, consent: Consent, caller: Caller): boolean {
  const custodian = caller.mspId === custodianOf(consent.record) && caller.role === CUSTODIAN_ROLE;
  switch (party) {
    case 'custodian':
      return custodian;
    case 'grantor':
      return custodian || (caller.role === DELEGATE_ROLE && caller.record === consent.record);
    case 'grantee-or-custodian':
      return custodian || caller.mspId === consent.grantee.mspId;
  }
}

function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((member) => outer.includes(member));
}
