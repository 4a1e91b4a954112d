/** Every route of the API with every role: who is let in, who is not, and what a change needs besides. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RIGHTS } from '../src/http/rights.js';
import { PERSON_ROLES, type PersonRole } from '../src/review/people.js';
import { createSessions } from '../src/review/sessions.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';

interface Caller {
  readonly cookie: string;
  readonly csrf: string;
}

let server: SeededServer;
let base: string;
const callers = new Map<PersonRole, Caller>();

beforeAll(async () => {
  server = await startSeededServer();
  base = `http://127.0.0.1:${server.port}`;
  const sessions = createSessions(server.database);
  for (const role of PERSON_ROLES) {
    callers.set(role, await open(role));
  }
  async function open(role: PersonRole): Promise<Caller> {
    const proof = { method: 'oidc', identity: null, provenAtMs: null } as const;
    const newcomer = { name: `mia.${role}`, role, ...proof };
    const { id, csrf } = await sessions.open(newcomer, Date.now());
    return { cookie: `bhs-H1=${id}`, csrf };
  }
}, 60_000);

afterAll(() => server.close());

const ROUTES = Object.entries(RIGHTS).map(([route, roles]) => {
  const [method = '', url = ''] = route.split(' ');
  // Nothing with these names exists, so a request that is let in changes nothing.
  const path = url
    .replace(/:(txid|hash)\b/g, 'f'.repeat(64))
    .replace(':format', 'csv')
    .replace(/:[a-z]+/gi, '0');
  return { route, method, path, roles };
});
/** They would end the callers of the other rows. */
const ENDS_CALLERS = ['DELETE /api/v1/session', 'DELETE /api/v1/sessions'];
const CHANGES = ROUTES.filter(({ method, roles }) => method !== 'GET' && roles !== null);

async function ask(
  { method, path }: { readonly method: string; readonly path: string },
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly code: unknown }> {
  const stop = new AbortController();
  const isChange = method !== 'GET';
  const response = await fetch(base + path, {
    method,
    redirect: 'manual',
    signal: stop.signal,
    headers: {
      ...(path.endsWith('/events') ? { accept: 'text/event-stream' } : {}),
      ...(isChange ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(isChange ? { body: '{}' } : {}),
  });
  const isProblem = response.headers.get('content-type')?.includes('problem+json') === true;
  const { code } = isProblem ? ((await response.json()) as { code: unknown }) : { code: null };
  stop.abort();
  return { status: response.status, code };
}

const as = (role: PersonRole): Record<string, string> => {
  const { cookie, csrf } = callers.get(role)!;
  return { cookie, 'x-csrf-token': csrf };
};

describe.each(ROUTES)('$route', ({ route, method, path, roles }) => {
  it('lets in whom its line names, and nobody else', async () => {
    if (roles === null) {
      expect((await ask({ method, path })).status).not.toBe(401);
      return;
    }
    expect(await ask({ method, path })).toEqual({ status: 401, code: 'ERR_SESSION' });
    for (const role of PERSON_ROLES) {
      if (ENDS_CALLERS.includes(route)) continue;
      const { status, code } = await ask({ method, path }, as(role));
      if (roles.includes(role)) {
        // Further in, a locked key, a body that does not fit or a hold that is not there may stand in the way.
        expect(['ERR_FORBIDDEN', 'ERR_SESSION', 'ERR_CSRF'], role).not.toContain(code);
      } else expect([status, code], role).toEqual([403, 'ERR_FORBIDDEN']);
    }
  });
});

describe('a change', () => {
  it.each(CHANGES)(
    'needs the token of its own session: $route',
    async ({ method, path, roles }) => {
      const role = roles![0]!;
      const other = PERSON_ROLES.find((each) => each !== role)!;
      const { cookie } = callers.get(role)!;
      for (const headers of [
        { cookie },
        { cookie, 'x-csrf-token': '' },
        { cookie, 'x-csrf-token': callers.get(other)!.csrf },
        { ...as(role), origin: 'https://elsewhere.example' },
        { ...as(role), 'sec-fetch-site': 'cross-site' },
      ]) {
        expect(await ask({ method, path }, headers)).toEqual({ status: 403, code: 'ERR_CSRF' });
      }
    },
  );
});

describe('an auditor', () => {
  it('is offered no step on any hold', async () => {
    const response = await fetch(`${base}/api/v1/holds`, { headers: as('auditor') });
    const { items } = (await response.json()) as { items: { can: string[] }[] };
    expect(items.length).toBeGreaterThan(3);
    expect(items.flatMap(({ can }) => can)).toEqual([]);
  });
});
