import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createAuditEventMapper,
  decodeAccessEvent,
  encodeAccessEvent,
  FeatureError,
  type AccessEvent,
} from '../src/features/index.js';

/** After the examples of the R4 specification: a read of an observation by a nurse. */
const READ = {
  resourceType: 'AuditEvent',
  id: 'a1',
  type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
  subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'vread' }],
  action: 'R',
  recorded: '2026-03-09T12:00:00.000Z',
  outcome: '0',
  agent: [
    {
      type: { coding: [{ code: 'humanuser' }] },
      role: [{ coding: [{ code: 'nurse' }] }],
      who: { identifier: { system: 'urn:staff', value: '95' } },
      name: 'Jane Doe',
      requestor: true,
      network: { address: '10.0.0.7', type: '2' },
      purposeOfUse: [{ coding: [{ code: 'TREAT' }] }],
    },
    { type: { coding: [{ code: '110153' }] }, altId: '6580', requestor: false },
  ],
  source: { observer: { display: 'ehr' }, type: [{ code: '3' }] },
  entity: [
    { what: { reference: 'Patient/p7' }, role: { code: '1' } },
    {
      what: { reference: 'https://ehr.example/fhir/Observation/o1/_history/2' },
      role: { code: '4' },
      securityLabel: [{ code: 'R' }],
    },
  ],
};

type Change = Readonly<Record<string, unknown>>;
const map = (change: Change = {}): AccessEvent[] =>
  createAuditEventMapper({ nodeId: 'H1' }).map({ ...READ, ...change });
const one = (change: Change = {}): AccessEvent => map(change)[0]!;
function faultOf(value: unknown): FeatureError {
  try {
    createAuditEventMapper({ nodeId: 'H1' }).map(value);
  } catch (error) {
    if (error instanceof FeatureError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('FHIR R4 AuditEvent', () => {
  it('becomes an access event', () => {
    expect(one()).toEqual({
      eventId: 'a1',
      source: 'fhir',
      nodeId: 'H1',
      timeMs: Date.UTC(2026, 2, 9, 12),
      timeBasis: 'recorded',
      timeGranularity: 'exact',
      sequence: null,
      actor: 'urn:staff|95',
      actorClass: 'person',
      role: 'nurse',
      ward: null,
      session: 'a1 session',
      action: 'read',
      resourceType: 'observation',
      section: 'results',
      sensitivity: 'restricted',
      purpose: 'treatment',
      breakGlass: false,
      breakGlassReason: 'none',
      patient: 'p7',
      recordCount: 1,
      bytes: null,
      outcome: 'success',
      channel: 'ui',
      device: '10.0.0.7',
      network: 'unknown',
      code: null,
    });
  });

  it('takes over neither names nor free text', () => {
    const text = encodeAccessEvent(one({ outcomeDesc: 'looked for a friend' }));
    expect(text).not.toContain('Jane');
    expect(text).not.toContain('friend');
  });

  it.each<[string, Change, AccessEvent['action']]>([
    ['a break-glass subtype', { subtype: [{ code: '110127' }] }, 'override'],
    ['an export type', { type: { code: '110106' } }, 'export'],
    ['lifecycle 9', { entity: [{ lifecycle: { code: '9' } }] }, 'print'],
    ['lifecycle 11', { entity: [{ lifecycle: { code: '11' } }] }, 'disclose'],
    ['lifecycle 14', { entity: [{ lifecycle: { code: '14' } }] }, 'delete'],
    ['login', { type: { code: '110114' }, subtype: [{ code: '110122' }] }, 'login'],
    ['logout', { type: { code: '110114' }, subtype: [{ code: '110123' }] }, 'logout'],
    [
      'a change of privileges',
      { type: { code: '110113' }, subtype: [{ code: '110136' }] },
      'grant',
    ],
    [
      'a consent',
      {
        action: 'C',
        subtype: [{ code: 'create' }],
        entity: [{ what: { reference: 'Consent/1' } }],
      },
      'consent',
    ],
    [
      'a claim',
      { action: 'C', subtype: [{ code: 'create' }], entity: [{ what: { reference: 'Claim/1' } }] },
      'claim',
    ],
    [
      'a dispense',
      { action: 'C', subtype: [], entity: [{ what: { reference: 'MedicationDispense/1' } }] },
      'dispense',
    ],
    ['a search', { subtype: [{ code: 'search-type' }] }, 'search'],
    ['$everything', { subtype: [{ code: '$everything' }] }, 'export'],
    ['a patch', { subtype: [{ code: 'patch' }] }, 'update'],
    ['only a letter', { subtype: [], action: 'E' }, 'execute'],
    ['nothing known', { subtype: [{ code: 'dance' }], action: 'X' }, 'unknown'],
  ])('knows %s', (_, change, action) => {
    expect(one(change).action).toBe(action);
  });

  it('gives one event per patient, with ids of their own', () => {
    const entity = Array.from({ length: 300 }, (_, i) => ({
      what: { reference: `Patient/p${i}` },
    }));
    const events = map({ entity });
    expect(events.length).toBe(300);
    expect(new Set(events.map((e) => e.eventId)).size).toBe(300);
    expect(events[1]?.eventId).toBe('a1#2');
    expect(new Set(events.map((e) => e.patient)).size).toBe(300);
  });

  it('prefers the human among requestors, and falls back to the source agent', () => {
    const device = { who: { reference: 'Device/d' }, requestor: true };
    expect(one({ agent: [device, READ.agent[0]] }).actor).toBe('urn:staff|95');
    const source = one({ agent: [{ ...READ.agent[1] }] });
    expect(source.actor).toBe('6580');
    expect(source.actorClass).toBe('service');
  });

  it('reads the declared count, also from base64', () => {
    const withDetail = (detail: Change): number =>
      one({ entity: [{ what: { reference: 'Observation/1' }, detail: [detail] }] }).recordCount;
    expect(withDetail({ type: 'count', valueString: '250' })).toBe(250);
    expect(withDetail({ type: 'count', valueBase64Binary: btoa('42') })).toBe(42);
    expect(withDetail({ type: 'count', valueBase64Binary: '***' })).toBe(1);
    expect(withDetail({ type: 'count', valueString: 'many' })).toBe(1);
  });

  it('walks labels to sections', () => {
    const entity = [
      { what: { reference: 'Observation/1' }, securityLabel: [{ code: 'HIV' }, { code: 'V' }] },
    ];
    expect(one({ entity }).section).toBe('sensitive');
    expect(one({ entity }).sensitivity).toBe('very-restricted');
  });

  it('keeps a break-glass span open for its actor, and closes it by code or by thirty idle minutes', () => {
    const mapper = createAuditEventMapper({ nodeId: 'H1' });
    const at = (id: string, minute: number, change: Change = {}): AccessEvent =>
      mapper.map({
        ...READ,
        id,
        recorded: new Date(Date.UTC(2026, 2, 9, 12, minute)).toISOString(),
        ...change,
      })[0]!;
    const on = at('b1', 0, { subtype: [{ code: '110127' }], outcomeDesc: 'cardiac arrest, bed 4' });
    expect([on.breakGlass, on.breakGlassReason]).toEqual([true, 'specific']);
    expect(at('b2', 10).breakGlass).toBe(true);
    expect(at('b2', 10).breakGlassReason).toBe('generic');
    expect(at('b3', 45).breakGlass).toBe(false);
    at('b4', 46, { subtype: [{ code: '110127' }] });
    expect(at('b5', 47, { subtype: [{ code: '110138' }] }).breakGlass).toBe(true);
    expect(at('b6', 48).breakGlass).toBe(false);
  });

  it('splits sessions of an actor on a device at thirty minutes', () => {
    const mapper = createAuditEventMapper({ nodeId: 'H1' });
    const at = (id: string, minute: number): string | null =>
      mapper.map({
        ...READ,
        id,
        recorded: new Date(Date.UTC(2026, 2, 9, 12, minute)).toISOString(),
      })[0]!.session;
    expect(at('s1', 0)).toBe(at('s2', 29));
    expect(at('s3', 70)).toBe('s3 session');
  });

  it.each<[string, unknown, string]>([
    ['a Bundle', { resourceType: 'Bundle', entry: [READ] }, 'resourceType'],
    ['another resource', { resourceType: 'Patient', id: 'p' }, 'resourceType'],
    [
      'the R5 form by code',
      { ...READ, type: undefined, code: { coding: [] }, outcome: { code: {} } },
      'AuditEvent',
    ],
    ['the R5 form by outcome', { ...READ, outcome: { code: { code: '0' } } }, 'AuditEvent'],
    [
      'the R5 form by occurred',
      { ...READ, occurredDateTime: '2026-03-09T12:00:00Z' },
      'AuditEvent',
    ],
    ['an instant without zone', { ...READ, recorded: '2026-03-09T12:00:00' }, 'recorded'],
    ['a period without zone', { ...READ, period: { start: '2026-03-09T12:00' } }, 'period.start'],
    ['no id', { ...READ, id: undefined }, 'id'],
    ['no agent', { ...READ, agent: [] }, 'agent'],
    ['an agent without a name', { ...READ, agent: [{ requestor: true }] }, 'agent.who'],
    ['an array', [READ], 'resource'],
  ])('refuses %s', (_, value, path) => {
    const fault = faultOf(value);
    expect(fault.code).toBe('ERR_AUDIT_EVENT');
    expect(fault.path).toBe(path);
  });

  it('gives valid events or coded errors for whatever stands in an element', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(READ)), fc.jsonValue(), (name, value) => {
        try {
          for (const event of map({ [name]: value })) {
            expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FeatureError);
          expect((error as FeatureError).code).toBe('ERR_AUDIT_EVENT');
        }
      }),
      { numRuns: 400 },
    );
  });
});
