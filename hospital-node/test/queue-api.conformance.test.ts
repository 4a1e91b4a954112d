/**
 * The queue over HTTP: filters, live events, the same request twice, many holds at once, and what a stale step is told.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onEachEngine } from './engines.js';
import { startSeededServer } from './seeded-server.js';
import { signedIn, type Answer, type Call } from './signed-in.js';

onEachEngine((engine) => {
  let server: Awaited<ReturnType<typeof startSeededServer>>;
  let ana: Call;
  let ben: Call;

  beforeAll(async () => {
    server = await startSeededServer({ database: await engine.database() });
    ana = await signedIn(server, 'ana');
    ben = await signedIn(server, 'ben');
  });

  afterAll(async () => {
    await server.close();
  });

  async function idsOf(query: string, as: Call = ana): Promise<string[]> {
    const { body, status } = await as('GET', `/holds?${query}`);
    expect(status).toBe(200);
    return (body['items'] as { txId: string }[]).map(({ txId }) => txId);
  }

  describe('a filter', () => {
    it('narrows by operation, cause, kind, score, deadline and text', async () => {
      const [clerk, , admin, , glass] = server.holds;
      expect(await idsOf('function=export')).toEqual([clerk]);
      expect(await idsOf('cause=break-glass')).toEqual([glass]);
      expect(await idsOf('kind=review')).toEqual([glass]);
      expect(await idsOf('dueWithinMinutes=60')).toEqual([clerk]);
      expect(await idsOf('scoreFrom=1000000')).toEqual([]);
      expect(await idsOf('text=ADMINISTRATOR')).toEqual([admin]);
      expect(await idsOf('text=h-3')).toEqual([admin]);
      expect(await idsOf(`text=${glass!.slice(0, 12)}`)).toEqual([glass]);
    });

    it('knows mine and what needs me, who did not propose it herself', async () => {
      const [, , claimedByBen, proposedByBen] = server.holds;
      expect(await idsOf('holder=me', ben)).toContain(claimedByBen);
      expect(await idsOf('holder=me', ana)).toEqual([]);
      expect(await idsOf('needs=me', ana)).toEqual([proposedByBen]);
      expect(await idsOf('needs=me', ben)).toEqual([]);
    });

    it('pages by keyset without gap or repetition, and refuses another list’s cursor', async () => {
      const first = await ana('GET', '/holds?limit=2');
      expect(first.body['countUpTo']).toBe(5);
      const after = String(first.body['next']);
      expect((await ana('GET', `/holds?limit=2&after=${after}`)).body['countUpTo']).toBeNull();
      const all = [...(await idsOf('limit=2')), ...(await idsOf(`limit=200&after=${after}`))];
      expect(all).toEqual(await idsOf('limit=200'));
      const other = await ana('GET', `/holds?function=export&after=${after}`);
      expect(other).toMatchObject({ status: 400, body: { code: 'ERR_CURSOR' } });
    });

    it('refuses what it does not know, naming it', async () => {
      const answer = await ana('GET', '/holds?cause=mood');
      expect(answer).toMatchObject({ status: 400, body: { code: 'ERR_REQUEST' } });
      expect(answer.body['detail']).toMatch(/^cause: expected score,.* got mood$/);
      expect((await ana('GET', '/holds?colour=red')).status).toBe(400);
    });
  });

  describe('an idempotency key', () => {
    it('makes the same request twice one step, also at the same moment', async () => {
      const path = `/holds/${server.holds[0]!}/claims`;
      const headers = { 'idempotency-key': 'claim-of-first-hold' };
      const both = await Promise.all([
        ana('POST', path, { expectedVersion: 1 }, headers),
        ana('POST', path, { expectedVersion: 1 }, headers),
      ]);
      const third = await ana('POST', path, { expectedVersion: 1 }, headers);
      for (const { status, body } of [...both, third]) {
        expect(status).toBe(201);
        expect(body).toEqual(both[0].body);
      }
      expect(both[0].body['version']).toBe(2);
      const other = await ana('POST', path, { expectedVersion: 2 }, headers);
      expect(other).toMatchObject({ status: 422, body: { code: 'ERR_IDEMPOTENCY_KEY' } });
    });
  });

  describe('a stale step', () => {
    it('is told who did what since', async () => {
      const path = `/holds/${server.holds[0]!}`;
      const headers = { 'if-match': `"${server.holds[0]!}.1"` };
      const answer = await ben('POST', `${path}/claims`, {}, headers);
      expect(answer).toMatchObject({
        status: 412,
        body: {
          current: { version: 2, state: 'claimed' },
          changed: [{ step: 'claim', by: { name: 'ana' }, to: 'claimed' }],
        },
      });
    });
  });

  describe('live events', () => {
    it('announce a step, and give it again to whoever was away', async () => {
      const controller = new AbortController();
      const seen = eventsOf(ana.cookie, controller.signal);
      const { id: before } = await nextNamed(seen, 'open');
      await ana('POST', `/holds/${server.holds[0]!}/unclaims`, { expectedVersion: 2 });
      const change = await nextNamed(seen, 'holds');
      expect(JSON.parse(change.data)).toEqual({
        changed: [{ txId: server.holds[0], version: 3, state: 'open' }],
      });
      expect(Number(change.id)).toBeGreaterThan(Number(before));
      controller.abort();

      const again = new AbortController();
      const resumed = eventsOf(ana.cookie, again.signal, before);
      expect((await nextNamed(resumed, 'holds')).data).toBe(change.data);
      again.abort();
    });

    it('need a session and a client that wants events', async () => {
      const url = `http://127.0.0.1:${server.port}/api/v1/events`;
      const stranger = await fetch(url, { headers: { accept: 'text/event-stream' } });
      expect(stranger.status).toBe(401);
      await stranger.body?.cancel();
      const plain = await fetch(url, {
        headers: { accept: 'application/json', cookie: ana.cookie },
      });
      expect(plain.status).toBe(406);
    });

    it('end with the session', async () => {
      const other = await signedIn(server, 'ben');
      const seen = eventsOf(other.cookie, AbortSignal.timeout(20_000));
      await seen.next();
      await other('DELETE', '/session');
      expect(JSON.parse((await nextNamed(seen, 'session')).data)).toEqual({ signedIn: false });
      expect((await seen.next()).done).toBe(true);
    });
  });

  describe('a step for many holds', () => {
    const bulk = (items: readonly [string, number][], more: object = {}): Promise<Answer> =>
      ana('POST', '/bulk', {
        step: 'claim',
        items: items.map(([txId, expectedVersion]) => ({ txId, expectedVersion })),
        count: items.length,
        ...more,
      });

    it('does nothing if the number that was confirmed is not the number that was named', async () => {
      const [first, second] = server.holds as [string, string];
      const answer = await bulk([[first, 3]], { count: 2 });
      expect(answer).toMatchObject({ status: 422, body: { code: 'ERR_BULK_COUNT' } });
      const twice = await bulk([
        [second, 1],
        [second, 1],
      ]);
      expect(twice.status).toBe(422);
      expect((await ana('GET', `/holds/${first}`)).body['version']).toBe(3);
    });

    it('takes exactly the named holds, and says beside each what it refused', async () => {
      const [first, second, third, , fifth] = server.holds;
      const answer = await bulk([
        [first!, 3],
        [second!, 1],
        [third!, 1],
      ]);
      expect(answer.status).toBe(200);
      expect(answer.body['items']).toMatchObject([
        { txId: first, outcome: 'done', version: 4 },
        { txId: second, outcome: 'done', version: 2 },
        { txId: third, outcome: 'refused', code: 'ERR_HOLD_STALE' },
      ]);
      expect((await ana('GET', `/holds/${fifth!}`)).body['version']).toBe(1);
    });

    it('is refused without the reason that a proposal needs', async () => {
      const answer = await bulk([[server.holds[0]!, 4]], { step: 'propose', action: 'release' });
      expect(answer).toMatchObject({ status: 400, body: { code: 'ERR_REASON' } });
    });
  });

  interface LiveEvent {
    readonly event: string;
    readonly id: string;
    readonly data: string;
  }

  async function* eventsOf(
    cookie: string,
    signal: AbortSignal,
    lastEventId?: string,
  ): AsyncGenerator<LiveEvent> {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/events`, {
      signal,
      headers: {
        accept: 'text/event-stream',
        cookie,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    });
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => {
              const colon = line.indexOf(':');
              return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
            }),
        );
        text = text.slice(end + 2);
        if (fields.has('data')) {
          yield {
            event: fields.get('event') ?? 'message',
            id: fields.get('id') ?? '',
            data: fields.get('data') ?? '',
          };
        }
      }
    }
  }

  async function nextNamed(events: AsyncGenerator<LiveEvent>, name: string): Promise<LiveEvent> {
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw new Error(`the stream ended before an event ${name}`);
      if (next.value.event === name) return next.value;
    }
  }
});
