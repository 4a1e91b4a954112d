import { describe, expect, it } from 'vitest';

import {
  DAY_MS,
  HOUR_MS,
  RECORD,
  SESSION,
  accepted,
  createConsortium,
  ordinaryMorning,
  quarantined,
  readArgs,
  type Consortium,
} from './consortium-fixture.js';
import { START_MS, person, type Person } from './memory-ledger.js';

const auditor = person('H2MSP', 'auditor', { role: 'auditor' });

interface Answer {
  readonly items: readonly { readonly txId: string; readonly kind: string; readonly key: string }[];
  readonly bookmark: string;
}

async function ask(
  o: Consortium,
  name: string,
  args: readonly string[],
  by: Person = auditor,
): Promise<Answer> {
  const asked = await accepted(o.ledger.simulate({ by, call: `AuditContract:${name}`, args }));
  expect([asked.writes.size, asked.events.length]).toEqual([0, 0]);
  return asked.reply as Answer;
}

const FROM = String(START_MS);
const TO = String(START_MS + 3 * DAY_MS);

/** An opening, a read, a held export, a broken glass, and another record two days later. */
async function busyDays(o: Consortium): Promise<Readonly<Record<string, string>>> {
  const read = await ordinaryMorning(o);
  const held = await quarantined(o);
  const glass = await accepted(
    o.submit(o.clerk, 'RecordAccessContract:breakGlass', [SESSION, RECORD, 'generic', 'notes', '']),
  );
  const later = await accepted(
    o.submit(
      o.clerk,
      'RecordAccessContract:requestAccess',
      readArgs({ record: 'H1-00000000000000b2' }),
      { timestampMs: START_MS + 2 * DAY_MS },
    ),
  );
  return { read: read.txId, held, glass: glass.txId, later: later.txId };
}

describe('AuditContract', () => {
  it('finds by record what touched it, with the key and the digest of what is kept', async () => {
    const o = await createConsortium();
    const { read, glass } = await busyDays(o);
    const { items } = await ask(o, 'byRecord', [RECORD, FROM, TO, '']);
    expect(items).toHaveLength(2);
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ txId: read, kind: 'access', key: `acc~${read}`, record: RECORD }),
        expect.objectContaining({ txId: glass, kind: 'review', key: `rev~${glass}` }),
      ]),
    );
  });

  it('finds by actor and by time, and nothing outside the time', async () => {
    const o = await createConsortium();
    const { read, held, glass, later } = await busyDays(o);
    const actor = o.clerk.actor;
    const all = await ask(o, 'byActor', [actor, FROM, TO, '']);
    expect(all.items.map(({ txId }) => txId)).toEqual(
      expect.arrayContaining([read, held, glass, later]),
    );
    expect(all.items).toHaveLength(5); // and the opening of the session
    expect((await ask(o, 'byActor', ['ab'.repeat(16), FROM, TO, ''])).items).toEqual([]);
    const firstHour = await ask(o, 'byTime', [FROM, String(START_MS + HOUR_MS), '']);
    expect(firstHour.items.map(({ kind }) => kind).sort()).toEqual([
      'access',
      'access',
      'quarantine',
      'review',
    ]);
    const lastDay = await ask(o, 'byTime', [String(START_MS + DAY_MS), TO, '']);
    expect(lastDay.items.map(({ txId }) => txId)).toEqual([later]);
  });

  it('answers in pages, none of them overlapping', async () => {
    const o = await createConsortium({ detector: false });
    for (let i = 0; i < 205; i++) {
      await accepted(
        o.submit(o.clerk, 'RecordAccessContract:requestAccess', readArgs(), {
          timestampMs: START_MS + i * 1000 * 600,
        }),
      );
    }
    const seen: string[] = [];
    const sizes: number[] = [];
    let bookmark = '';
    do {
      const page = await ask(o, 'byRecord', [RECORD, FROM, TO, bookmark]);
      seen.push(...page.items.map(({ txId }) => txId));
      sizes.push(page.items.length);
      bookmark = page.bookmark;
    } while (bookmark !== '');
    expect(sizes).toEqual([100, 100, 5]);
    expect(new Set(seen).size).toBe(205);
  });

  it.each([
    ['byRecord', ['Jane Doe', FROM, TO, ''], 'record'],
    ['byActor', ['me', FROM, TO, ''], 'actor'],
    ['byTime', [TO, FROM, ''], 'toMs'],
    ['byTime', [FROM, String(START_MS + 40 * DAY_MS), ''], 'toMs'],
    ['byTime', [FROM, TO, 'aud~x'], 'bookmark'],
  ])('%s refuses %j', async (name, args, argument) => {
    const o = await createConsortium({ detector: false });
    const asked = await o.ledger.simulate({ by: auditor, call: `AuditContract:${name}`, args });
    expect(asked.message).toMatch(new RegExp(`^ERR_ARGUMENT: ${argument}: `));
  });

  it('answers auditors and privacy officers only', async () => {
    const o = await createConsortium({ detector: false });
    await ask(o, 'byTime', [FROM, TO, ''], o.officer);
    const query = { by: o.clerk, call: 'AuditContract:byTime', args: [FROM, TO, ''] };
    expect((await o.ledger.simulate(query)).message).toMatch(/^ERR_ROLE_NOT_ALLOWED: /);
  });
});
