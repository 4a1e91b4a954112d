/**
 * Every route of the API × everybody who may come: nobody, somebody with each role, with and without the token of the page,
 * from another page, after the session has ended. The routes are read from the server's own description, so a new one is
 * in this test from its first day.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RIGHTS } from '../src/http/rights.js';
import { addOperator } from '../src/sign-in/accounts.js';
import { OPERATOR_ROLES, type OperatorRole } from '../src/sign-in/roles.js';
import { closeAll, startWorld, type World } from './world.js';

interface Person {
  readonly cookie: string;
  readonly csrf: string;
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly name: string;
}

let world: World;
let base: string;
let routes: readonly Route[];
const people = new Map<OperatorRole, Person>();

beforeAll(async () => {
  world = await startWorld();
  base = `http://127.0.0.1:${world.orchestrator.httpPort}`;
  const described = (await (await fetch(`${base}/api/v1/openapi.json`)).json()) as {
    paths: Record<string, Record<string, object>>;
  };
  routes = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path
        .replace('{slot}', '1')
        .replace('{attempt}', '1')
        .replace(/\{\w+\}/g, 'f'.repeat(32)),
      name: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
    })),
  );
  for (const role of OPERATOR_ROLES) people.set(role, await signedIn(role));
});
afterAll(closeAll);

async function signedIn(role: OperatorRole, name: string = role): Promise<Person> {
  const account = { name, role, by: 'test', nowMs: Date.now() };
  const password = await addOperator(world.store, account);
  const answer = await fetch(`${base}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: base },
    body: JSON.stringify({ name, password }),
  });
  const { csrf } = (await answer.json()) as { csrf: string };
  return { cookie: answer.headers.get('set-cookie')!.split(';')[0]!, csrf };
}

/** The code of a refusal at the door; 'in' for whatever the route itself answered. */
async function knock(
  { method, path }: Route,
  from: Partial<Person> & { readonly origin?: string | null } = {},
): Promise<string> {
  const { cookie, csrf, origin = base } = from;
  const answer = await fetch(`${base}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(cookie === undefined ? {} : { cookie }),
      ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }),
      ...(origin === null ? {} : { origin }),
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    ...(method === 'GET' ? {} : { body: '{}' }),
  });
  const text = await answer.text();
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? '';
  return /^ERR_(SESSION|FORBIDDEN|CSRF|SIGN_IN_AGAIN)$/.test(code) ? code : 'in';
}

const open = (): readonly Route[] => routes.filter(({ name }) => RIGHTS[name]?.roles === null);
const closed = (): readonly Route[] => routes.filter(({ name }) => RIGHTS[name]?.roles !== null);

describe('the door', { timeout: 120_000 }, () => {
  it('knows every route that there is, and no other', () => {
    const described = routes.map(({ name }) => name);
    expect([...described, 'GET /api/v1/openapi.json'].sort()).toEqual(Object.keys(RIGHTS).sort());
  });

  it('lets anybody read, and nobody change a thing without a session', async () => {
    for (const route of open()) expect(await knock(route), route.name).toBe('in');
    for (const route of closed()) expect(await knock(route), route.name).toBe('ERR_SESSION');
    const changing = open().filter(({ method }) => method !== 'GET');
    expect(changing.map(({ name }) => name)).toEqual(['POST /api/v1/session']);
  });

  it('lets each role do what its line says, and nothing else', async () => {
    for (const role of OPERATOR_ROLES) {
      // Signing out ends the session that the others of this loop need.
      for (const route of closed().filter(({ name }) => name !== 'DELETE /api/v1/session')) {
        const answer = await knock(route, people.get(role));
        const right = RIGHTS[route.name]?.roles ?? [];
        expect(answer, `${role}: ${route.name}`).toBe(
          right.includes(role) ? 'in' : 'ERR_FORBIDDEN',
        );
      }
    }
  });

  it('takes a change from our own page only', async () => {
    const person = people.get('operator')!;
    for (const route of routes.filter(({ method }) => method !== 'GET')) {
      for (const origin of [null, 'http://evil.example', 'null', `${base}.evil.example`]) {
        expect(await knock(route, { ...person, origin }), route.name).toBe('ERR_CSRF');
      }
      if (RIGHTS[route.name]!.roles === null) continue;
      const { cookie } = person;
      expect(await knock(route, { cookie }), route.name).toBe('ERR_CSRF');
      const csrf = people.get('hospital-admin')!.csrf;
      expect(await knock(route, { cookie, csrf }), route.name).toBe('ERR_CSRF');
    }
  });

  it('is shut to a session that was ended', async () => {
    const gone = await signedIn('operator', 'gone');
    const end = routes.find(({ name }) => name === 'DELETE /api/v1/session')!;
    expect(await knock(end, gone)).toBe('in');
    for (const route of closed()) expect(await knock(route, gone), route.name).toBe('ERR_SESSION');
  });
});
