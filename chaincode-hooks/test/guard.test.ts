import { decodeRing } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import { decodeActorState } from '../src/actor-state.js';
import { decodeGuardEvent, decodeQuarantineRecord, type GuardEvent } from '../src/events.js';
import {
  detectorBlobKey,
  parseLedgerKey,
  quarantineKey,
  ACTIVE_DETECTOR_KEY,
} from '../src/ledger-keys.js';
import {
  DAY_MS,
  DIGEST,
  HOUR_MS,
  READ_MS,
  RECORD,
  SESSION,
  STRANGE_EXPORT,
  accepted,
  createConsortium,
  enrolled,
  ordinaryMorning,
  quarantined,
  readArgs,
  released,
  type Consortium,
} from './consortium-fixture.js';
import { CODE_HASH, START_MS, person, type Person, type Simulation } from './memory-ledger.js';

const OTHER_SESSION = '00000000000000a2';

function eventOf(simulation: Simulation): GuardEvent {
  expect(simulation.events).toHaveLength(1);
  const { name, payload } = simulation.events[0]!;
  expect(name).toBe('guard');
  const event = decodeGuardEvent(payload);
  if (event.kind === 'unknown') throw new Error('unknown version');
  return event;
}

function writtenTypes(simulation: Simulation): readonly string[] {
  return [...simulation.writes.keys()].map((key) => parseLedgerKey(key)[0]!).sort();
}

function recordOf(o: Consortium, txId: string, type = 'q') {
  return decodeQuarantineRecord(o.ledger.read(type, txId)!);
}

describe('an ordinary call', () => {
  it('runs: ticket, ring row, one event that carries the inner one', async () => {
    const o = await createConsortium();
    const read = await ordinaryMorning(o);
    expect(read.reply).toEqual({
      disposition: 'allowed',
      result: { ticket: read.txId, expiresMs: READ_MS + 15 * 60_000 },
    });
    expect(writtenTypes(read)).toEqual(['acc', 'aud', 'ctx']);
    const event = eventOf(read);
    expect(event).toMatchObject({
      kind: 'access',
      function: 'RecordAccessContract:requestAccess',
      session: SESSION,
      actor: o.clerk.actor,
      disposition: 'allowed',
      scored: true,
      modelVersion: 0,
      inner: { name: 'ticket' },
    });
    const inner = JSON.parse(
      Buffer.from(event.inner!.payload, 'base64').toString('utf8'),
    ) as object;
    expect(inner).toMatchObject({ function: 'requestAccess', record: RECORD });
  });

  it('reads pointer, actor, ring and the access policy, and nothing else', async () => {
    const o = await createConsortium();
    const read = await ordinaryMorning(o);
    expect([...read.reads.keys()].map((key) => parseLedgerKey(key).join('~')).sort()).toEqual(
      [
        'det~active',
        `act~${o.clerk.actor}~H1MSP`,
        `ctx~${o.clerk.actor}~${SESSION}`,
        'pol~active',
      ].sort(),
    );
  });

  it('leaves a ring with one row a call and the code hash behind it', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const stored = o.ledger.read('ctx', o.clerk.actor, SESSION)!;
    expect(Buffer.from(stored.subarray(-8)).toString('hex')).toBe(CODE_HASH.slice(0, 16));
    expect(decodeRing(stored.subarray(0, -8)).rows.map((row) => row.outcome)).toEqual([0, 0]);
  });

  it('says nothing of the score, neither in the reply nor in the event', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const held = await o.ledger.simulate({
      by: o.clerk,
      call: 'RecordAccessContract:export',
      args: [SESSION, ...STRANGE_EXPORT, ''],
    });
    expect(Object.keys(held.reply as object).sort()).toEqual(['disposition', 'quarantineId']);
    const names = Object.keys(eventOf(held)).sort();
    expect(names).not.toContain('score');
    expect(names).not.toContain('reasons');
  });

  it('runs unscored before there is a detector, and says so', async () => {
    const o = await createConsortium({ detector: false });
    const read = await ordinaryMorning(o);
    expect(eventOf(read)).toMatchObject({
      disposition: 'allowed',
      scored: false,
      modelVersion: null,
    });
  });
});

describe('endorsers agree', () => {
  const calls = [readArgs(), readArgs({ record: 'H2-00000000000000b2' })].map((args) => ({
    call: 'RecordAccessContract:requestAccess',
    args,
    txId: DIGEST,
  }));

  it('with warm caches among one another, and with cold ones', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    for (const call of calls) {
      const invocation = { ...call, by: o.clerk };
      const simulate = (endorser = o.ledger.endorser()): Promise<Simulation> =>
        o.ledger.simulate(invocation, endorser);
      expect((await o.ledger.simulate(invocation)).bytes).toBe(
        (await o.ledger.simulate(invocation)).bytes,
      );
      expect((await simulate()).bytes).toBe((await simulate()).bytes);
    }
  });

  it('on everything but the blobs that a cold one has to read', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    for (const call of calls) {
      const invocation = { ...call, by: o.clerk };
      const warm = await o.ledger.simulate(invocation);
      const cold = await o.ledger.simulate(invocation, o.ledger.endorser());
      expect(cold.effects).toBe(warm.effects);
      const more = [...cold.reads.keys()].filter((key) => !warm.reads.has(key));
      expect(more.sort()).toEqual(
        [detectorBlobKey(o.modelHash), detectorBlobKey(o.tableHash)].sort(),
      );
      for (const [key, version] of warm.reads) expect(cold.reads.get(key)).toBe(version);
    }
  });

  it('entirely, where a fresh one has handed the blobs out before', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const fresh = o.ledger.endorser();
    for (const hash of [o.modelHash, o.tableHash]) {
      const query = { by: o.clerk, call: 'DetectorContract:blob', args: [hash] };
      await accepted(o.ledger.simulate(query, fresh));
    }
    const invocation = { ...calls[0]!, by: o.clerk };
    const warm = await o.ledger.simulate(invocation);
    expect((await o.ledger.simulate(invocation, fresh)).bytes).toBe(warm.bytes);
  });

  it('on a quarantine too, whatever the order in which reads are answered', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const bytes = new Set<string>();
    for (const order of [0, 1, 2, 3]) {
      let turn = 0;
      const simulation = await o.ledger.simulate(
        {
          by: o.clerk,
          call: 'RecordAccessContract:export',
          args: [SESSION, ...STRANGE_EXPORT, ''],
          txId: DIGEST,
          beforeRead: async () => {
            const waits = (turn++ * (2 * order + 1)) % 5;
            for (let i = 0; i < waits; i++) await Promise.resolve();
          },
        },
        o.ledger.endorser(),
      );
      expect(simulation.reply).toMatchObject({ disposition: 'quarantined' });
      bytes.add(simulation.bytes);
    }
    expect(bytes.size).toBe(1);
  });

  it('and disagree when one of them has not seen the call before', async () => {
    const o = await createConsortium();
    const invocation = {
      by: o.clerk,
      call: 'RecordAccessContract:requestAccess',
      args: readArgs(),
      txId: DIGEST,
    };
    const behind = await o.ledger.simulate(invocation);
    await ordinaryMorning(o);
    const ahead = await o.ledger.simulate(invocation);
    expect(ahead.bytes).not.toBe(behind.bytes);
  });

  it('after the kernel judged something else in between', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const ordinary = {
      by: o.clerk,
      call: 'RecordAccessContract:requestAccess',
      args: readArgs(),
      txId: DIGEST,
    };
    const before = await o.ledger.simulate(ordinary);
    await o.ledger.simulate({
      by: o.clerk,
      call: 'RecordAccessContract:export',
      args: [SESSION, ...STRANGE_EXPORT, ''],
    });
    expect((await o.ledger.simulate(ordinary)).bytes).toBe(before.bytes);
  });
});

describe('a strange call', () => {
  it('is committed as a record instead of being run', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const txId = await quarantined(o);
    const record = recordOf(o, txId);
    expect(record).toMatchObject({
      txId,
      actor: o.clerk.actor,
      mspId: 'H1MSP',
      function: 'RecordAccessContract:export',
      cause: 'score',
      modelVersion: 0,
      modelHash: o.modelHash,
      codeHash: CODE_HASH,
      state: 'open',
      version: 1,
      deadlineMs: START_MS + DAY_MS,
    });
    expect(record.score).toBeGreaterThanOrEqual(870_000);
    expect(record.reasons.length).toBeGreaterThan(0);
    expect(record.reasons.length).toBeLessThanOrEqual(3);
    expect(o.ledger.read('acc', txId)).toBeNull();
  });

  it('is remembered in the ring as diverted', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    await quarantined(o);
    const ring = decodeRing(o.ledger.read('ctx', o.clerk.actor, SESSION)!.subarray(0, -8));
    expect(ring.rows.map((row) => row.outcome)).toEqual([0, 0, 2]);
  });

  it('leaves no argument in its record', async () => {
    const o = await createConsortium();
    const txId = await quarantined(o);
    const text = Buffer.from(o.ledger.read('q', txId)!).toString('utf8');
    for (const argument of STRANGE_EXPORT) expect(text).not.toContain(`"${argument}"`);
  });

  it('runs under a shadow detector, with what would have happened kept aside', async () => {
    const o = await createConsortium();
    const pointer = JSON.parse(
      Buffer.from(o.ledger.read('det', 'active')!).toString('utf8'),
    ) as object;
    o.ledger.state.set(ACTIVE_DETECTOR_KEY, {
      value: Buffer.from(JSON.stringify({ ...pointer, mode: 'shadow' })),
      version: 99,
    });
    const call = await accepted(
      o.submit(o.clerk, 'RecordAccessContract:export', [SESSION, ...STRANGE_EXPORT, '']),
    );
    expect(call.reply).toMatchObject({ disposition: 'allowed' });
    expect(recordOf(o, call.txId, 'shd').score).toBeGreaterThanOrEqual(870_000);
    expect(o.ledger.read('q', call.txId)).toBeNull();
  });
});

describe('a detector that cannot be trusted holds every call', () => {
  const cases = [
    ['a blob is missing', (o: Consortium) => o.ledger.state.delete(detectorBlobKey(o.modelHash))],
    [
      'a blob does not hash to its name',
      (o: Consortium) =>
        o.ledger.state.set(detectorBlobKey(o.tableHash), {
          value: Uint8Array.of(1, 2, 3),
          version: 99,
        }),
    ],
    [
      'the pointer names another kernel',
      (o: Consortium) => {
        const pointer = Buffer.from(o.ledger.read('det', 'active')!).toString('utf8');
        const value = Buffer.from(pointer.replace(/"kernelHash":"..../, '"kernelHash":"0000'));
        o.ledger.state.set(ACTIVE_DETECTOR_KEY, { value, version: 99 });
      },
    ],
  ] as const;
  it.each(cases)('%s', async (_, spoil) => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    spoil(o);
    const invocation = {
      by: o.clerk,
      call: 'RecordAccessContract:requestAccess',
      args: readArgs(),
    };
    const read = await o.ledger.simulate(invocation, o.ledger.endorser());
    expect(read.reply).toMatchObject({ disposition: 'quarantined' });
    const record = decodeQuarantineRecord(read.writes.get(quarantineKey(read.txId))!);
    expect(record).toMatchObject({ cause: 'detector-unusable', score: null });
    expect(eventOf(read).scored).toBe(false);
  });
});

describe('calls that are not understood', () => {
  it('an unknown function is recorded, under a session of its own', async () => {
    const o = await createConsortium();
    const call = await accepted(o.submit(o.clerk, 'RecordAccessContract:wipe', ['x']));
    expect(call.reply).toBeNull();
    expect(recordOf(o, call.txId)).toMatchObject({
      cause: 'unknown-function',
      function: 'RecordAccessContract:wipe',
      session: 'unknown',
    });
    expect(eventOf(call).disposition).toBe('quarantined');
  });

  it.each(['aroundTransaction', 'unknownTransaction', 'createContext', 'getName', 'constructor'])(
    'the base class gives no transaction away: %s',
    async (name) => {
      const o = await createConsortium();
      const call = await accepted(o.submit(o.clerk, `RecordAccessContract:${name}`, []));
      expect(recordOf(o, call.txId).cause).toBe('unknown-function');
    },
  );

  it.each([
    ['one argument short', readArgs().slice(0, -1)],
    ['one too many', [...readArgs(), '']],
    ['none', []],
    ['a record that is no handle', readArgs({ record: 'Jane Doe' })],
    ['a session that is no handle', readArgs({ session: 'mine' })],
    ['a context of its own making', readArgs({ context: 'admin=true' })],
  ])('%s is quarantined', async (_, args) => {
    const o = await createConsortium();
    const call = await accepted(o.submit(o.clerk, 'RecordAccessContract:requestAccess', args));
    expect(call.reply).toMatchObject({ disposition: 'quarantined' });
    expect(recordOf(o, call.txId).cause).toBe('arity');
    expect(Buffer.from(o.ledger.read('q', call.txId)!).toString('utf8')).not.toContain('Jane');
    expect(writtenTypes(call)).toEqual(['aud', 'ctx', 'q', 'qi']);
  });
});

describe('break-glass', () => {
  const args = [SESSION, 'H2-00000000000000b9', 'generic', 'sensitive', ''];

  it('runs whatever the score, and opens a review', async () => {
    const o = await createConsortium();
    await quarantined(o);
    const call = await accepted(o.submit(o.clerk, 'RecordAccessContract:breakGlass', args));
    expect(call.reply).toMatchObject({ disposition: 'allowed', result: { ticket: call.txId } });
    expect(writtenTypes(call)).toEqual(['acc', 'aud', 'ctx', 'qi', 'rev']);
    expect(recordOf(o, call.txId, 'rev')).toMatchObject({ cause: 'break-glass', state: 'open' });
    expect(eventOf(call)).toMatchObject({ disposition: 'flagged', quarantine: call.txId });
  });

  it('a release of its review gives no grant: it has run already', async () => {
    const o = await createConsortium();
    const call = await accepted(o.submit(o.clerk, 'RecordAccessContract:breakGlass', args));
    expect(eventOf(await released(o, call.txId)).review).toEqual({
      quarantine: call.txId,
      from: 'proposed',
      to: 'released',
      version: 4,
    });
  });
});

describe('a suspended actor', () => {
  it('is refused, break-glass included, until two people reinstate her', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const { actor } = o.clerk;
    const decide = async (action: string): Promise<void> => {
      const proposed = [actor, action, DIGEST];
      await accepted(o.submit(o.analyst, 'QuarantineContract:proposeSuspension', proposed));
      const alone = await o.submit(o.analyst, 'QuarantineContract:approveSuspension', [actor]);
      expect(alone.message).toMatch(/^ERR_FOUR_EYES: /);
      await accepted(o.submit(o.officer, 'QuarantineContract:approveSuspension', [actor]));
    };
    await decide('suspend');
    for (const [call, args] of [
      ['requestAccess', readArgs()],
      ['breakGlass', [SESSION, RECORD, 'generic', 'notes', '']],
      ['wipe', []],
    ] as const) {
      const refused = await o.submit(o.clerk, `RecordAccessContract:${call}`, args);
      expect(refused.message).toMatch(/^ERR_ACTOR_SUSPENDED: /);
      expect([refused.status, refused.writes.size, refused.events.length]).toEqual([500, 0, 0]);
    }
    await decide('reinstate');
    await accepted(o.submit(o.clerk, 'RecordAccessContract:requestAccess', readArgs()));
  });

  it('is a matter of her own hospital', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const foreign = person('H2MSP', 'analyst', { role: 'analyst' });
    const call = 'QuarantineContract:proposeSuspension';
    const refused = await o.submit(foreign, call, [o.clerk.actor, 'suspend', DIGEST]);
    expect(refused.message).toMatch(/^ERR_NOT_FOUND: /);
  });

  it('is nobody else’s matter, also if another hospital enrols her id and decides on it', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    await enrolled(o, o.nodes[1]!, { actor: o.clerk.actor });
    const step = (by: Person, name: string, ...args: string[]) =>
      accepted(o.submit(by, `QuarantineContract:${name}Suspension`, [o.clerk.actor, ...args]));
    const [analyst, officer] = ['analyst', 'privacy-officer'].map((role) =>
      person('H2MSP', role, { role }),
    ) as [Person, Person];
    await step(analyst, 'propose', 'suspend', DIGEST);
    await step(officer, 'approve');
    await accepted(o.submit(o.clerk, 'RecordAccessContract:requestAccess', readArgs()));

    await step(o.analyst, 'propose', 'suspend', DIGEST);
    await step(analyst, 'propose', 'reinstate', DIGEST);
    await step(o.officer, 'approve');
    const refused = await o.submit(o.clerk, 'RecordAccessContract:requestAccess', readArgs());
    expect(refused.message).toMatch(/^ERR_ACTOR_SUSPENDED: /);
  });
});

describe('a grant', () => {
  const again = (txId: string, session = OTHER_SESSION): string[] => [
    session,
    ...STRANGE_EXPORT,
    `grant=${txId}`,
  ];
  const call = 'RecordAccessContract:export';

  it('lets exactly one resubmission run', async () => {
    const o = await createConsortium();
    const txId = await quarantined(o);
    const release = eventOf(await released(o, txId)).review!;
    expect(release.grant).toEqual({
      actor: o.clerk.actor,
      digest: recordOf(o, txId).digest,
      expires: START_MS + DAY_MS,
    });
    expect(decodeActorState(o.ledger.read('act', o.clerk.actor, 'H1MSP')!)!.grants).toBe(1);

    const used = await accepted(o.submit(o.clerk, call, again(txId)));
    expect(used.reply).toMatchObject({ disposition: 'allowed', result: { ticket: used.txId } });
    expect(
      used.writes.get([...used.writes.keys()].find((k) => parseLedgerKey(k)[0] === 'grant')!),
    ).toBeNull();
    expect(decodeActorState(o.ledger.read('act', o.clerk.actor, 'H1MSP')!)!.grants).toBe(0);

    const replayed = await accepted(o.submit(o.clerk, call, again(txId)));
    expect(replayed.reply).toMatchObject({ disposition: 'quarantined' });
    expect(recordOf(o, replayed.txId).cause).toBe('grant-invalid');
  });

  it('is one of two when two calls with the same arguments were released', async () => {
    const o = await createConsortium();
    const first = await quarantined(o);
    const second = await quarantined(o);
    expect(recordOf(o, second).digest).toBe(recordOf(o, first).digest);
    await released(o, first);
    await released(o, second);
    for (const txId of [first, second]) {
      const used = await accepted(o.submit(o.clerk, call, again(txId)));
      expect(used.reply).toMatchObject({ disposition: 'allowed' });
    }
  });

  it('is in the read set, so two resubmissions at once cannot both commit', async () => {
    const o = await createConsortium();
    const txId = await quarantined(o);
    await released(o, txId);
    const invocation = { by: o.clerk, call, args: again(txId) };
    const [one, two] = await Promise.all([
      o.ledger.simulate(invocation),
      o.ledger.simulate(invocation),
    ]);
    const key = [...one.writes.keys()].find((name) => parseLedgerKey(name)[0] === 'grant')!;
    expect(one.reads.get(key)).toBe(two.reads.get(key));
    expect(one.reads.get(key)).toBeGreaterThan(0);
  });

  it.each([
    [
      'another request',
      (o: Consortium, id: string) =>
        o.submit(o.clerk, call, [
          OTHER_SESSION,
          'f'.repeat(64),
          ...STRANGE_EXPORT.slice(1),
          `grant=${id}`,
        ]),
    ],
    [
      'another actor',
      (o: Consortium, id: string) =>
        o.submit(person('H1MSP', 'p-2', { role: 'clerk' }), call, again(id)),
    ],
    ['another quarantine', (o: Consortium) => o.submit(o.clerk, call, again('9'.repeat(64)))],
    [
      'a day later',
      (o: Consortium, id: string) =>
        o.submit(o.clerk, call, again(id), { timestampMs: START_MS + DAY_MS + 1 }),
    ],
  ])('does not hold for %s', async (_, resubmit) => {
    const o = await createConsortium();
    const txId = await quarantined(o);
    await released(o, txId);
    const refused = await accepted(resubmit(o, txId));
    expect(refused.reply).toMatchObject({ disposition: 'quarantined' });
    expect(recordOf(o, refused.txId).cause).toBe('grant-invalid');
    expect(o.ledger.read('acc', refused.txId)).toBeNull();
  });
});

describe('a declared time', () => {
  const context = `at=${START_MS - 90 * DAY_MS}`;

  it('is refused outside a replay federation, and leaves nothing', async () => {
    const o = await createConsortium();
    for (const declared of [context, 'time=day', 'code=3']) {
      const refused = await o.submit(
        o.clerk,
        'RecordAccessContract:requestAccess',
        readArgs({ context: declared }),
      );
      expect(refused.message).toMatch(/^ERR_REPLAY_REFUSED: /);
      expect(refused.writes.size).toBe(0);
    }
  });

  it('is the time of the call in a replay federation; the record keeps both', async () => {
    const o = await createConsortium({ replay: true });
    const held = await accepted(
      o.submit(o.clerk, 'RecordAccessContract:export', [SESSION, ...STRANGE_EXPORT, context]),
    );
    expect(recordOf(o, held.txId)).toMatchObject({
      atMs: START_MS - 90 * DAY_MS,
      filedMs: START_MS,
      deadlineMs: START_MS + DAY_MS,
    });
  });

  it('a code must be one of the vocabulary', async () => {
    const o = await createConsortium({ replay: true, vocabulary: { hash: DIGEST, size: 10 } });
    const call = 'RecordAccessContract:requestAccess';
    await accepted(o.submit(o.clerk, call, readArgs({ context: 'code=9' })));
    const refused = await o.submit(o.clerk, call, readArgs({ context: 'code=10' }));
    expect(refused.message).toMatch(/^ERR_REPLAY_REFUSED: /);
  });
});

describe('the actor on the ledger', () => {
  const open = (o: Consortium, session: string, timestampMs: number): Promise<Simulation> =>
    accepted(
      o.submit(o.clerk, 'RecordAccessContract:openSession', [session, 'ward 1', 'operations', ''], {
        timestampMs,
      }),
    );
  const stateOf = (o: Consortium) =>
    decodeActorState(o.ledger.read('act', o.clerk.actor, 'H1MSP')!)!;

  it('appears with the first session, class from the certificate', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    expect(stateOf(o)).toMatchObject({
      class: 'person',
      status: 'active',
      openedMs: [START_MS],
      lastSession: SESSION,
    });
  });

  it('remembers the sessions of the last hour', async () => {
    const o = await createConsortium();
    await open(o, SESSION, START_MS);
    await open(o, OTHER_SESSION, START_MS + HOUR_MS - 1);
    expect(stateOf(o).openedMs).toEqual([START_MS, START_MS + HOUR_MS - 1]);
    await open(o, '00000000000000a3', START_MS + HOUR_MS);
    expect(stateOf(o).openedMs).toEqual([START_MS + HOUR_MS - 1, START_MS + HOUR_MS]);
  });

  it('learns from a session when the next one opens', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const before = stateOf(o).profile;
    await open(o, OTHER_SESSION, START_MS + DAY_MS);
    expect(stateOf(o).profile).not.toBe(before);
    expect(stateOf(o).lastSession).toBe(OTHER_SESSION);
  });

  it('is not learnt twice by opening the same session again', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const before = stateOf(o).profile;
    await open(o, SESSION, START_MS + DAY_MS);
    expect(stateOf(o).profile).toBe(before);
  });
});
