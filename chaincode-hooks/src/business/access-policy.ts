/**
 * Attribute-based access: an ordered list of rules, decided as a pure function. Deny overrides; no rule is a denial.
 * @module
 */
import { ACTOR_CLASSES, PURPOSES, SECTIONS } from '@bhschain/models/features';

import {
  canonicalJson,
  parseJsonObject,
  type JsonObject,
  type JsonValue,
} from '../canonical-json.js';
import type { Caller } from '../guard-context.js';

/** What is done to a record. `breakGlass` is not asked: it never waits for a policy. */
export const ACCESS_ACTIONS = ['read', 'export', 'amend', 'erase'] as const;
export type AccessAction = (typeof ACCESS_ACTIONS)[number];

/** A property that is absent stands for anything. */
export interface AccessRule {
  readonly effect: 'allow' | 'deny';
  readonly actions?: readonly string[];
  readonly sections?: readonly string[];
  readonly purposes?: readonly string[];
  readonly organisations?: readonly string[];
  readonly roles?: readonly string[];
  readonly wards?: readonly string[];
  readonly classes?: readonly string[];
  /** Hours of the day in UTC, the second one excluded; [22, 6] goes over midnight. */
  readonly hours?: readonly [number, number];
  /** The record's home hospital is the caller's own (true) or another one (false). */
  readonly ownRecord?: boolean;
  /** Allows only with a consent in force. */
  readonly needsConsent?: boolean;
  /** Allows only while the caller's ward treats the record: an encounter there within so many days, noted by a colleague. */
  readonly relationDays?: number;
  /** Allows only what a colleague with one of these roles has countersigned. */
  readonly secondPerson?: readonly string[];
  /** The access runs, and a review of it is opened. */
  readonly review?: boolean;
  /** How long the ticket is good for. */
  readonly ticketMinutes?: number;
}

export interface AccessPolicy {
  readonly rules: readonly AccessRule[];
}

export interface AccessRequest {
  readonly caller: Pick<Caller, 'mspId' | 'role' | 'ward' | 'class'>;
  readonly action: AccessAction;
  readonly section: string;
  readonly purpose: string;
  readonly ownRecord: boolean;
  readonly atMs: number;
}

export interface AccessDecision {
  readonly effect: 'allow' | 'deny';
  /** Index of the rule that decided; null if none fitted. */
  readonly rule: number | null;
  readonly needsConsent: boolean;
  /** Null if no care relation is asked for. */
  readonly relationDays: number | null;
  /** Roles of whom one must countersign; null if nobody must. */
  readonly secondPerson: readonly string[] | null;
  readonly review: boolean;
  readonly ticketMinutes: number;
}

export const TICKET_MINUTES = 15;

export function decideAccess(policy: AccessPolicy, request: AccessRequest): AccessDecision {
  const fits = (effect: AccessRule['effect']): number =>
    policy.rules.findIndex((rule) => rule.effect === effect && ruleFits(rule, request));
  const denies = fits('deny');
  if (denies >= 0) return refusal(denies);
  const allows = fits('allow');
  if (allows < 0) return refusal(null);
  const {
    needsConsent = false,
    relationDays = null,
    secondPerson = null,
    review = false,
    ticketMinutes = TICKET_MINUTES,
  } = policy.rules[allows]!;
  return {
    effect: 'allow',
    rule: allows,
    needsConsent,
    relationDays,
    secondPerson,
    review,
    ticketMinutes,
  };
}

/** Whether `next` gives the caller something that `current` did not: a new allowing rule for her, or a lost denying one. */
export function widensFor(
  current: AccessPolicy | null,
  next: AccessPolicy,
  caller: AccessRequest['caller'],
): boolean {
  const before = current?.rules ?? [];
  const has = (rules: readonly AccessRule[], rule: AccessRule): boolean =>
    rules.some((other) => canonicalJson(asJson(other)) === canonicalJson(asJson(rule)));
  const gained = next.rules.filter((rule) => rule.effect === 'allow' && !has(before, rule));
  const lost = before.filter((rule) => rule.effect === 'deny' && !has(next.rules, rule));
  return [...gained, ...lost].some((rule) => isAbout(rule, caller));
}

/** Null if the text is not a policy. */
export function parseAccessPolicy(text: string): AccessPolicy | null {
  let raw: JsonObject;
  try {
    raw = parseJsonObject(text, 'policy');
  } catch {
    return null;
  }
  const { rules, ...rest } = raw;
  const ok =
    Object.keys(rest).length === 0 &&
    Array.isArray(rules) &&
    rules.length <= RULES_MAX &&
    rules.every(isRule);
  return ok ? (raw as unknown as AccessPolicy) : null;
}

const RULES_MAX = 128;
const TICKET_MINUTES_MAX = 24 * 60;
const RELATION_DAYS_MAX = 366;
const HOUR_MS = 3_600_000;

function refusal(rule: number | null): AccessDecision {
  return {
    effect: 'deny',
    rule,
    needsConsent: false,
    relationDays: null,
    secondPerson: null,
    review: false,
    ticketMinutes: 0,
  };
}

function ruleFits(rule: AccessRule, request: AccessRequest): boolean {
  return (
    isAbout(rule, request.caller) &&
    names(rule.actions, request.action) &&
    names(rule.sections, request.section) &&
    names(rule.purposes, request.purpose) &&
    (rule.ownRecord === undefined || rule.ownRecord === request.ownRecord) &&
    (rule.hours === undefined || isWithinHours(rule.hours, request.atMs))
  );
}

function isAbout(
  rule: AccessRule,
  { mspId, role, ward, class: kind }: AccessRequest['caller'],
): boolean {
  return (
    names(rule.organisations, mspId) &&
    names(rule.roles, role) &&
    names(rule.wards, ward) &&
    names(rule.classes, kind)
  );
}

function names(members: readonly string[] | undefined, member: string): boolean {
  return members === undefined || members.includes(member);
}

function isWithinHours([from, to]: readonly [number, number], atMs: number): boolean {
  const hour = Math.floor(atMs / HOUR_MS) % 24;
  return from <= to ? from <= hour && hour < to : from <= hour || hour < to;
}

type Check = (value: JsonValue) => boolean;

const ROLE = /^[a-z-]{1,32}$/;

const PROPERTIES: Readonly<Record<keyof AccessRule, Check>> = {
  effect: (value) => value === 'allow' || value === 'deny',
  actions: listOf((text) => (ACCESS_ACTIONS as readonly string[]).includes(text)),
  sections: listOf((text) => (SECTIONS as readonly string[]).includes(text)),
  purposes: listOf((text) => (PURPOSES as readonly string[]).includes(text)),
  organisations: listOf((text) => /^[A-Za-z0-9.-]{1,64}$/.test(text)),
  roles: listOf((text) => ROLE.test(text)),
  wards: listOf((text) => /^[A-Za-z0-9 .-]{1,64}$/.test(text)),
  classes: listOf((text) => (ACTOR_CLASSES as readonly string[]).includes(text)),
  hours: (value) => Array.isArray(value) && value.length === 2 && value.every(isHour),
  ownRecord: (value) => typeof value === 'boolean',
  needsConsent: (value) => typeof value === 'boolean',
  relationDays: (value) => isInteger(value, 1, RELATION_DAYS_MAX),
  secondPerson: listOf((text) => ROLE.test(text)),
  review: (value) => typeof value === 'boolean',
  ticketMinutes: (value) => isInteger(value, 1, TICKET_MINUTES_MAX),
};

function isRule(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const rule = value as JsonObject;
  return (
    rule['effect'] !== undefined &&
    Object.keys(rule).every(
      (key) => Object.hasOwn(PROPERTIES, key) && PROPERTIES[key as keyof AccessRule](rule[key]!),
    )
  );
}

function listOf(isMember: (text: string) => boolean): Check {
  return (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((member) => typeof member === 'string' && isMember(member));
}

function isHour(value: JsonValue): boolean {
  return isInteger(value, 0, 24);
}

function isInteger(value: JsonValue, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && min <= value && value <= max;
}

function asJson(rule: AccessRule): JsonObject {
  return rule as unknown as JsonObject;
}
