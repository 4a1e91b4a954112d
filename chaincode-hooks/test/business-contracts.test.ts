/**
 * The business contracts on the real contract runtime: lives of consents, policies, batches and claims, and what is left on
 * the ledger when a rule says no.
 */
import { describe, expect, it } from 'vitest';

import { BUSINESS_FUNCTIONS } from '../src/business-functions.js';
import {
  parseAccessPolicy,
  decideAccess,
  type AccessRequest,
} from '../src/business/access-policy.js';
import { decodeGuardEvent } from '../src/events.js';
import { parseLedgerKey } from '../src/ledger-keys.js';
import {
  DAY_MS,
  HOUR_MS,
  RECORD,
  SESSION,
  STRANGE_EXPORT,
  accepted,
  createConsortium,
  quarantined,
  released,
  type Consortium,
} from './consortium-fixture.js';
import { START_MS, person, type Person, type Simulation } from './memory-ledger.js';

const DOCUMENT = 'd'.repeat(64);
const ENCOUNTER = 'e'.repeat(64);

/** No detector: what is tested here is what the contracts say, not what a detector thinks of newcomers. */
const unjudged = (): Promise<Consortium> => createConsortium({ detector: false });

async function call(
  o: Consortium,
  by: Person,
  name: string,
  args: readonly string[],
  timestampMs = START_MS,
): Promise<Simulation> {
  return accepted(o.submit(by, name, [SESSION, ...args, ''], { timestampMs }));
}

async function done(work: Promise<Simulation>): Promise<Record<string, never>> {
  const { reply } = await work;
  expect(reply).toMatchObject({ disposition: 'allowed' });
  return (reply as { result: Record<string, never> }).result;
}

function writtenTypes(simulation: Simulation): readonly string[] {
  return [...simulation.writes.keys()].map((key) => parseLedgerKey(key)[0]!).sort();
}

async function denied(work: Promise<Simulation>, reason: string): Promise<void> {
  const simulation = await work;
  expect(simulation.reply).toEqual({ disposition: 'denied', reason });
  expect(writtenTypes(simulation)).toEqual(['aud', 'ctx', 'den']);
  expect(decodeGuardEvent(simulation.events[0]!.payload)).toMatchObject({ disposition: 'denied' });
}

describe('a business function', () => {
  it('is judged by the active detector as the access it stands for', async () => {
    const o = await createConsortium();
    const physician = person('H2MSP', 'p-2', { role: 'physician' });
    const asked = await o.submit(physician, 'ConsentContract:request', consentRequest());
    expect(decodeGuardEvent(asked.events[0]!.payload)).toMatchObject({
      scored: true,
      modelVersion: 0,
    });
  });

  it.each(Object.keys(BUSINESS_FUNCTIONS))(
    '%s with a wrong number of arguments is held',
    async (name) => {
      const o = await unjudged();
      const held = await accepted(o.submit(o.clerk, name, [SESSION, '']));
      expect(held.reply).toMatchObject({ disposition: 'quarantined' });
    },
  );

  it.each([
    ['a name in place of a record', 1, 'Jane Doe'],
    ['purposes out of order', 3, 'research,treatment'],
    ['an unknown purpose', 3, 'curiosity'],
    ['a time that is none', 5, 'now'],
    ['a grantee with something else in it', 2, 'H2MSP;name=Jane'],
    ['a context that names an action', 7, 'action=read'],
  ])('%s is a malformed call', async (_, position, value) => {
    const o = await unjudged();
    const args = consentRequest();
    args[position] = value;
    const held = await accepted(o.submit(o.clerk, 'ConsentContract:request', args));
    expect(held.reply).toMatchObject({ disposition: 'quarantined' });
    expect([...held.writes.values()].join()).not.toContain('Jane');
  });
});

function consentRequest(): string[] {
  return [
    SESSION,
    RECORD,
    'H2MSP;role=physician',
    'treatment,research',
    'notes,results',
    String(START_MS),
    String(START_MS + DAY_MS),
    '',
  ];
}

interface Parties {
  readonly officer: Person;
  readonly physician: Person;
}

const parties = (): Parties => ({
  officer: person('H1MSP', 'consents', { role: 'consent-officer' }),
  physician: person('H2MSP', 'p-2', { role: 'physician' }),
});

async function activeConsent(o: Consortium, { officer, physician }: Parties): Promise<string> {
  const asked = await accepted(o.submit(physician, 'ConsentContract:request', consentRequest()));
  const consent = asked.txId;
  await done(call(o, officer, 'ConsentContract:grant', [consent, DOCUMENT]));
  await done(call(o, physician, 'ConsentContract:activate', [consent]));
  return consent;
}

describe('ConsentContract', () => {
  const check = async (
    o: Consortium,
    by: Person,
    purpose: string,
    section: string,
    ms = START_MS,
  ) =>
    (
      await o.ledger.simulate({
        by,
        call: 'ConsentContract:check',
        args: [RECORD, purpose, section],
        timestampMs: ms,
      })
    ).reply;

  it('lets the grantee in from activation to suspension, and from resumption to revocation', async () => {
    const o = await unjudged();
    const p = parties();
    const none = { consent: null };
    const consent = await activeConsent(o, p);
    const covered = { consent };
    expect(await check(o, p.physician, 'treatment', 'notes')).toEqual(covered);
    await done(call(o, p.officer, 'ConsentContract:suspend', [consent, 'patient-request']));
    expect(await check(o, p.physician, 'treatment', 'notes')).toEqual(none);
    await done(call(o, p.officer, 'ConsentContract:resume', [consent]));
    expect(await check(o, p.physician, 'research', 'results')).toEqual(covered);
    await done(call(o, p.officer, 'ConsentContract:narrow', [consent, 'treatment', 'notes']));
    expect(await check(o, p.physician, 'research', 'results')).toEqual(none);
    expect(await check(o, p.physician, 'treatment', 'results')).toEqual(none);
    expect(await check(o, p.physician, 'treatment', 'notes')).toEqual(covered);
    await done(call(o, p.officer, 'ConsentContract:revoke', [consent, 'patient-request']));
    expect(await check(o, p.physician, 'treatment', 'notes')).toEqual(none);
    expect(o.ledger.read('cof', RECORD, 'treatment')).toBeNull();
  });

  it('covers its grantee, its sections and its time, and nothing else', async () => {
    const o = await unjudged();
    const p = parties();
    const consent = await activeConsent(o, p);
    const none = { consent: null };
    const nurse = person('H2MSP', 'p-3', { role: 'nurse' });
    const elsewhere = person('H3MSP', 'p-4', { role: 'physician' });
    expect(await check(o, nurse, 'treatment', 'notes')).toEqual(none);
    expect(await check(o, elsewhere, 'treatment', 'notes')).toEqual(none);
    expect(await check(o, p.physician, 'legal', 'notes')).toEqual(none);
    expect(await check(o, p.physician, 'treatment', 'sensitive')).toEqual(none);
    expect(await check(o, p.physician, 'treatment', 'notes', START_MS + DAY_MS)).toEqual({
      consent,
    });
    expect(await check(o, p.physician, 'treatment', 'notes', START_MS + DAY_MS + 1)).toEqual(none);
  });

  it('keeps the anchor of the signed form, and no form', async () => {
    const o = await unjudged();
    const consent = await activeConsent(o, parties());
    const query = { by: o.clerk, call: 'ConsentContract:get', args: [consent] };
    expect((await o.ledger.simulate(query)).reply).toMatchObject({
      state: 'active',
      documentDigest: DOCUMENT,
      record: RECORD,
      version: 3,
    });
  });

  it('records a refused step, and one of a consent that does not exist', async () => {
    const o = await unjudged();
    const p = parties();
    const consent = await activeConsent(o, p);
    await denied(call(o, p.officer, 'ConsentContract:grant', [consent, DOCUMENT]), 'wrong-state');
    await denied(call(o, p.physician, 'ConsentContract:revoke', [consent, 'none']), 'wrong-role');
    await denied(call(o, p.officer, 'ConsentContract:activate', [DOCUMENT]), 'not-found');
  });
});

describe('an access policy', () => {
  const POLICY = {
    rules: [
      { effect: 'deny', sections: ['sensitive'], roles: ['clerk'] },
      { effect: 'allow', roles: ['clerk'], ownRecord: true, ticketMinutes: 5 },
      { effect: 'allow', actions: ['read'], roles: ['physician'], needsConsent: true },
    ],
  };
  const admins = ['H1MSP', 'H2MSP', 'H3MSP'].map((mspId) =>
    person(mspId, 'admin', { role: 'hospital-admin' }),
  );
  const [admin1, admin2, admin3] = admins as [Person, Person, Person];
  const propose = (o: Consortium, policy: unknown, version = '1', by = admin1) =>
    call(o, by, 'AccessPolicyContract:proposePolicy', [version, JSON.stringify(policy)]);
  const approve = (o: Consortium, digest: string, by = admin2, version = '1') =>
    call(o, by, 'AccessPolicyContract:approvePolicy', [version, digest]);

  async function adopted(o: Consortium): Promise<void> {
    const { digest } = await done(propose(o, POLICY));
    expect(await done(approve(o, digest!))).toMatchObject({ adopted: true, version: 1 });
  }
  const read = (o: Consortium, by: Person, args: { record?: string } = {}, section = 'notes') =>
    accepted(
      o.submit(by, 'RecordAccessContract:requestAccess', [
        SESSION,
        args.record ?? RECORD,
        'treatment',
        section,
        '1',
        '',
      ]),
    );

  it('is in force when another hospital approves what was proposed', async () => {
    const o = await unjudged();
    const { digest } = await done(propose(o, POLICY));
    await denied(approve(o, digest!, admin1), 'wrong-organisation');
    await denied(approve(o, DOCUMENT), 'wrong-state');
    await denied(approve(o, digest!, o.clerk), 'wrong-role');
    await done(approve(o, digest!));
    await denied(approve(o, digest!, admin3), 'wrong-state');
    await denied(propose(o, POLICY), 'wrong-state');
    await denied(propose(o, { rules: [{ effect: 'maybe' }] }, '2'), 'malformed');
    await denied(propose(o, POLICY, '2', o.clerk), 'wrong-role');
    const query = { by: o.clerk, call: 'AccessPolicyContract:policy', args: [] };
    expect((await o.ledger.simulate(query)).reply).toMatchObject({ policy: { version: 1 } });
  });

  it('that gives its proposer more needs two other hospitals', async () => {
    const o = await unjudged();
    const wide = { rules: [{ effect: 'allow', roles: ['hospital-admin'] }] };
    const { digest, approvalsNeeded } = await done(propose(o, wide));
    expect(approvalsNeeded).toBe(2);
    expect(await done(approve(o, digest!))).toMatchObject({ adopted: false });
    await denied(approve(o, digest!), 'wrong-organisation');
    expect(await done(approve(o, digest!, admin3))).toMatchObject({ adopted: true });
  });

  it('decides accesses; a denied one leaves a denial and no ticket', async () => {
    const o = await unjudged();
    expect((await read(o, o.clerk)).reply).toMatchObject({ disposition: 'allowed' }); // no policy yet
    await adopted(o);
    expect((await read(o, o.clerk)).reply).toMatchObject({
      disposition: 'allowed',
      result: { expiresMs: START_MS + 5 * 60_000 },
    });
    await denied(read(o, o.clerk, {}, 'sensitive'), 'policy');
    await denied(read(o, o.clerk, { record: 'H2-00000000000000b1' }), 'policy');
    const nurse = person('H1MSP', 'n-1', { role: 'nurse' });
    await denied(read(o, nurse), 'policy');
  });

  it('asks for a consent in force, and the ticket names it', async () => {
    const o = await unjudged();
    const p = parties();
    await adopted(o);
    await denied(read(o, p.physician), 'consent');
    const consent = await activeConsent(o, p);
    const allowed = await read(o, p.physician);
    expect(allowed.reply).toMatchObject({ disposition: 'allowed' });
    const ticket = JSON.parse(
      Buffer.from(o.ledger.read('acc', allowed.txId)!).toString(),
    ) as object;
    expect(ticket).toMatchObject({ consent, section: 'notes' });
    await done(call(o, p.officer, 'ConsentContract:suspend', [consent, 'safety']));
    await denied(read(o, p.physician), 'consent');
  });

  it('never stands in the way of break-glass', async () => {
    const o = await unjudged();
    await adopted(o);
    const nurse = person('H1MSP', 'n-1', { role: 'nurse' });
    const broken = await accepted(
      o.submit(nurse, 'RecordAccessContract:breakGlass', [SESSION, RECORD, 'generic', 'notes', '']),
    );
    expect(broken.reply).toMatchObject({ disposition: 'allowed' });
  });

  it('a released call that a rule then denies keeps its grant', async () => {
    const o = await createConsortium();
    const setMode = async (mode: string): Promise<void> => {
      for (const admin of admins.slice(0, 2)) {
        await accepted(o.submit(admin, 'DetectorContract:vote', [mode, '0', DOCUMENT]));
      }
      await accepted(o.submit(admin1, 'DetectorContract:setMode', [mode]));
    };
    await setMode('shadow'); // the detector has never seen these admins before
    await adopted(o);
    await setMode('enforce');
    const held = await quarantined(o);
    await released(o, held);
    const again = [SESSION, ...STRANGE_EXPORT, `grant=${held}`];
    await denied(accepted(o.submit(o.clerk, 'RecordAccessContract:export', again)), 'policy');
    expect(o.ledger.read('grant', o.clerk.actor, held)).not.toBeNull();
  });

  describe('as a function of rules and request', () => {
    const request: AccessRequest = {
      caller: { mspId: 'H1MSP', role: 'nurse', ward: 'w1', class: 'person' },
      action: 'read',
      section: 'notes',
      purpose: 'treatment',
      ownRecord: true,
      atMs: START_MS, // nine o'clock UTC
    };
    const decide = (...rules: object[]) =>
      decideAccess(parseAccessPolicy(JSON.stringify({ rules }))!, request);

    it.each([
      ['no rule denies', [], 'deny', null],
      ['an empty rule is about everything', [{ effect: 'allow' }], 'allow', 0],
      ['deny overrides, wherever it stands', [{ effect: 'allow' }, { effect: 'deny' }], 'deny', 1],
      ['another role', [{ effect: 'allow', roles: ['clerk'] }], 'deny', null],
      ['another ward', [{ effect: 'allow', wards: ['w2'] }], 'deny', null],
      ['another class', [{ effect: 'allow', classes: ['service'] }], 'deny', null],
      ['another organisation', [{ effect: 'allow', organisations: ['H2MSP'] }], 'deny', null],
      ['another purpose', [{ effect: 'allow', purposes: ['research'] }], 'deny', null],
      ['another action', [{ effect: 'allow', actions: ['erase'] }], 'deny', null],
      ['a foreign record', [{ effect: 'allow', ownRecord: false }], 'deny', null],
      ['inside the hours', [{ effect: 'allow', hours: [9, 10] }], 'allow', 0],
      ['outside the hours', [{ effect: 'allow', hours: [10, 9] }], 'deny', null],
      ['hours over midnight', [{ effect: 'allow', hours: [22, 10] }], 'allow', 0],
      [
        'the first that allows',
        [{ effect: 'allow', roles: ['x'] }, { effect: 'allow' }],
        'allow',
        1,
      ],
    ])('%s', (_, rules, effect, rule) => {
      expect(decide(...rules)).toMatchObject({ effect, rule });
    });

    it.each([
      'null',
      '[]',
      '{}',
      '{"rules":{}}',
      '{"rules":[],"more":1}',
      '{"rules":[{}]}',
      '{"rules":[{"effect":"allow","roles":[]}]}',
      '{"rules":[{"effect":"allow","roles":[1]}]}',
      '{"rules":[{"effect":"allow","section":["notes"]}]}',
      '{"rules":[{"effect":"allow","hours":[1]}]}',
      '{"rules":[{"effect":"allow","hours":[1,25]}]}',
      '{"rules":[{"effect":"allow","ticketMinutes":0}]}',
    ])('%s is no policy', (text) => {
      expect(parseAccessPolicy(text)).toBeNull();
    });
  });
});

describe('ProvenanceContract', () => {
  const maker = person('H3MSP', 'maker', { role: 'manufacturer' });
  const pharmacist = person('H1MSP', 'ph-1', { role: 'pharmacist' });
  const second = person('H1MSP', 'ph-2', { role: 'pharmacist' });
  const name = (fn: string): string => `ProvenanceContract:${fn}`;
  const registered = async (o: Consortium): Promise<string> =>
    (
      await done(
        call(o, maker, name('register'), [
          'P1',
          'L1',
          String(START_MS + DAY_MS),
          '100',
          'tablet',
          DOCUMENT,
        ]),
      )
    )['batch']!;
  const stock = async (o: Consortium, batch: string): Promise<unknown> =>
    (await o.ledger.simulate({ by: o.clerk, call: name('get'), args: [batch] })).reply;

  it('registers, splits by transfer, dispenses, wastes with a witness, and keeps count', async () => {
    const o = await unjudged();
    const batch = await registered(o);
    await done(call(o, maker, name('offer'), [batch, 'H1MSP', '40']));
    const { part } = await done(call(o, pharmacist, name('accept'), [batch]));
    expect(await stock(o, batch)).toMatchObject({ batch: { quantity: 60, holder: 'H3MSP' } });
    expect(await stock(o, part!)).toMatchObject({
      batch: { quantity: 40, holder: 'H1MSP', parent: batch, lot: 'L1' },
    });
    const dose = [RECORD, part!, '38', DOCUMENT];
    expect(await done(call(o, pharmacist, name('dispense'), dose))).toMatchObject({ quantity: 2 });
    await done(call(o, pharmacist, name('waste'), [part!, '2', 'quality']));
    await denied(call(o, pharmacist, name('witnessWaste'), [part!]), 'same-person');
    expect(await done(call(o, second, name('witnessWaste'), [part!]))).toMatchObject({
      state: 'depleted',
      quantity: 0,
    });
  });

  it('a recall stops every part of the lot at every holder', async () => {
    const o = await unjudged();
    const batch = await registered(o);
    await done(call(o, maker, name('offer'), [batch, 'H1MSP', '40']));
    const { part } = await done(call(o, pharmacist, name('accept'), [batch]));
    await done(call(o, maker, name('recall'), ['P1', 'L1', 'safety']));
    await denied(call(o, pharmacist, name('dispense'), [RECORD, part!, '1', DOCUMENT]), 'recalled');
    await denied(call(o, maker, name('offer'), [batch, 'H2MSP', '1']), 'recalled');
    await denied(call(o, maker, name('recall'), ['P1', 'L1', 'safety']), 'wrong-state');
    await denied(call(o, maker, name('recall'), ['P1', 'L2', 'safety']), 'not-found');
    await denied(
      call(o, maker, name('register'), [
        'P1',
        'L1',
        String(START_MS + DAY_MS),
        '1',
        'ml',
        DOCUMENT,
      ]),
      'recalled',
    );
  });

  it('a lot belongs to the manufacturer that registered it first, and only manufacturers register', async () => {
    const o = await unjudged();
    await registered(o);
    const args = ['P1', 'L1', String(START_MS + DAY_MS), '1', 'ml', DOCUMENT];
    const other = person('H2MSP', 'maker', { role: 'manufacturer' });
    await denied(call(o, other, name('register'), args), 'wrong-organisation');
    await denied(call(o, pharmacist, name('register'), args), 'wrong-role');
    await denied(
      call(o, maker, name('register'), ['P1', 'L9', String(START_MS - 1), '1', 'ml', DOCUMENT]),
      'expired',
    );
    await denied(call(o, maker, name('retract'), [DOCUMENT]), 'not-found');
  });
});

describe('ClaimsContract', () => {
  const nurse = person('H1MSP', 'n-1', { role: 'nurse' });
  const billing = person('H1MSP', 'b-1', { role: 'billing' });
  const payer = person('H3MSP', 'payer', { role: 'payer' });
  const name = (fn: string): string => `ClaimsContract:${fn}`;
  const LINES = 'A1/20260105/2/700,B2/20260105/1/300';
  const submit = (o: Consortium, lines = LINES, record = RECORD, by = billing) =>
    call(o, by, name('submit'), [record, ENCOUNTER, 'H3MSP', lines, DOCUMENT]);

  async function submitted(o: Consortium): Promise<string> {
    await done(call(o, nurse, name('recordEncounter'), [RECORD, ENCOUNTER]));
    const result = await done(submit(o));
    expect(result).toMatchObject({ totalMinor: 1_000, state: 'submitted' });
    return result['claim']!;
  }

  it('is submitted, adjudicated, disputed, resolved by both sides, and settled', async () => {
    const o = await unjudged();
    const claim = await submitted(o);
    await denied(
      call(o, billing, name('adjudicate'), [claim, '1000', 'none']),
      'wrong-organisation',
    );
    await done(call(o, payer, name('adjudicate'), [claim, '400', 'not-covered']));
    await denied(
      call(o, billing, name('dispute'), [claim, DOCUMENT], START_MS + 31 * DAY_MS),
      'too-late',
    );
    await done(call(o, billing, name('dispute'), [claim, DOCUMENT], START_MS + HOUR_MS));
    await done(call(o, billing, name('proposeResolution'), [claim, '800']));
    await denied(call(o, billing, name('resolve'), [claim, '800']), 'wrong-organisation');
    await denied(call(o, payer, name('resolve'), [claim, '700']), 'quantity');
    await done(call(o, payer, name('resolve'), [claim, '800']));
    expect(await done(call(o, payer, name('settle'), [claim, DOCUMENT]))).toMatchObject({
      state: 'settled',
      approvedMinor: 800,
    });
    await denied(call(o, payer, name('settle'), [claim, DOCUMENT]), 'wrong-state');
    await denied(call(o, payer, name('settle'), [DOCUMENT, DOCUMENT]), 'not-found');
  });

  it('bills an encounter that took place, for its own record', async () => {
    const o = await unjudged();
    await denied(submit(o), 'no-encounter');
    await denied(call(o, billing, name('recordEncounter'), [RECORD, ENCOUNTER]), 'wrong-role');
    await done(call(o, nurse, name('recordEncounter'), [RECORD, ENCOUNTER]));
    await denied(call(o, nurse, name('recordEncounter'), [RECORD, ENCOUNTER]), 'duplicate');
    await denied(submit(o, LINES, 'H1-00000000000000b2'), 'no-encounter');
    const elsewhere = person('H2MSP', 'b-2', { role: 'billing' });
    await denied(submit(o, LINES, RECORD, elsewhere), 'no-encounter');
    await denied(submit(o, LINES, RECORD, payer), 'wrong-organisation');
    await done(submit(o));
  });

  it('bills a service once: not twice in a claim, not in two claims, again after a withdrawal', async () => {
    const o = await unjudged();
    const claim = await submitted(o);
    await denied(submit(o, 'C3/20260105/1/5,A1/20260105/9/9'), 'duplicate');
    await denied(submit(o, 'C3/20260105/1/5,C3/20260105/1/5'), 'duplicate');
    await done(submit(o, 'A1/20260106/1/5'));
    await done(call(o, billing, name('withdraw'), [claim]));
    await done(submit(o));
  });

  it('a revision is a new version that names the old one, and moves what is billed', async () => {
    const o = await unjudged();
    const claim = await submitted(o);
    await done(call(o, payer, name('adjudicate'), [claim, '0', 'error']));
    await done(submit(o, 'Z9/20260105/1/5'));
    const revise = (lines: string) => call(o, billing, name('revise'), [claim, lines, DOCUMENT]);
    await denied(revise('A1/20260105/2/700,Z9/20260105/1/5'), 'duplicate');
    expect(await done(revise('A1/20260105/2/600'))).toMatchObject({
      state: 'submitted',
      version: 3,
      totalMinor: 600,
      approvedMinor: null,
    });
    await done(submit(o, 'B2/20260105/1/300')); // what the revision let go
    const query = { by: o.clerk, call: name('get'), args: [claim] };
    const stored = (await o.ledger.simulate(query)).reply as { previous: readonly string[] };
    expect(stored.previous).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });
});
