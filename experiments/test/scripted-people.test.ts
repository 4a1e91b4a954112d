/** The demonstration's people at a page that has trouble; at a real one the demonstration's own test has them. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createReviewers, type Reviewer } from '../src/demo/scripted-people.js';

let server: Server;
let people: Reviewer;
/** What the page says to the next claims; then it takes them. */
let refusals: number[];
/** What they sent with each step. */
let sent: Record<string, unknown>[];

beforeEach(async () => {
  refusals = [];
  sent = [];
  const hold = { txId: 'a', state: 'open', version: 1, mine: false, can: ['claim'] };
  const states: Record<string, object> = {
    claims: { ...hold, state: 'claimed', can: [] },
    proposals: { ...hold, state: 'proposed', can: [] },
    approvals: { ...hold, state: 'rejected', can: [] },
  };
  server = createServer((request, response) => {
    const [path = ''] = request.url!.split('?');
    const step = path.split('/').at(-1)!;
    const status = step === 'claims' ? (refusals.shift() ?? 200) : 200;
    if (request.method === 'POST') {
      void json(request).then((body) => sent.push({ step, ...(body as object) }));
    }
    response.writeHead(status, { 'set-cookie': 's=1', 'retry-after': '0' });
    response.end(JSON.stringify({ csrf: 'c', items: [hold], next: null, ...states[step] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  people = createReviewers({
    baseUrl: `http://127.0.0.1:${port}`,
    first: { name: 'ana', password: 'x' },
    second: { name: 'ben', password: 'y' },
    openPass: () => null,
    judge: () => ({ action: 'reject', finding: 'attack', reason: 'Telephoned.' }),
  });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it.each([
  ['a step whose outcome is not known yet', [504]],
  ['a hold that has moved on', [412]],
  ['a page whose ledger stays away', Array<number>(6).fill(503)],
])('%s: they look again at the next pass', async (_what, answers) => {
  refusals = [...answers];
  expect(await people.decideOpenHolds()).toEqual({ decided: 0, interrupted: true });
  expect(await people.decideOpenHolds()).toEqual({ decided: 1, interrupted: false });
  expect(people.tally).toEqual({ released: 0, rejected: 1 });
});

it('a page that is busy for a moment is asked again in the same pass', async () => {
  refusals = [503, 429];
  expect(await people.decideOpenHolds()).toEqual({ decided: 1, interrupted: false });
});

it('both say why', async () => {
  await people.decideOpenHolds();
  expect(sent).toContainEqual(
    expect.objectContaining({ step: 'proposals', reason: 'Telephoned.' }),
  );
  expect(sent).toContainEqual(
    expect.objectContaining({ step: 'approvals', reason: 'Asked again: Telephoned.' }),
  );
});

it('a refusal is nobody’s to repeat', async () => {
  refusals = [403];
  await expect(people.decideOpenHolds()).rejects.toThrow(/claims: 403/);
});
