/** What the node believes of an identity provider, and what it does not. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createIdentityProvider, roleOf, TICKET_MS } from '../src/sign-in/identity-provider.js';
import { optionsFor, ROLES, startLiar, type LiarOptions } from './identity-provider-fixture.js';

const NOW = Date.now();
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
let lie: LiarOptions = {};
let liar: Awaited<ReturnType<typeof startLiar>>;

beforeAll(async () => {
  liar = await startLiar(() => lie);
});
afterAll(() => liar.close());
beforeEach(() => {
  lie = {};
});

const provider = (): ReturnType<typeof createIdentityProvider> =>
  createIdentityProvider(optionsFor({ issuer: liar.issuer, publicUrl: 'http://127.0.0.1:1' }));

interface Trip {
  readonly query?: (state: string) => string;
  readonly ticket?: string;
  readonly laterMs?: number;
}

/** Once there and back, without a browser. */
async function trip(o: Trip = {}): Promise<unknown> {
  const ours = provider();
  const { url, ticket } = await ours.begin(NOW);
  const asked = new URL(url).searchParams;
  liar.nonce = asked.get('nonce')!;
  const query = o.query ?? ((state) => `code=c&state=${state}`);
  return ours
    .finish({
      query: query(asked.get('state')!),
      ticket: o.ticket ?? ticket,
      nowMs: NOW + (o.laterMs ?? 0),
    })
    .catch((error: unknown) => (error as { code: string }).code);
}

const second = (): number => Math.floor(Date.now() / 1_000);

describe('a sign-in', () => {
  it('asks for a code with PKCE S256, state and nonce, each of 256 bits', async () => {
    const { url } = await provider().begin(NOW);
    const asked = Object.fromEntries(new URL(url).searchParams);
    expect(asked).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'openid profile',
      redirect_uri: 'http://127.0.0.1:1/api/v1/sign-in/oidc/callback',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(Buffer.from(asked[name]!, 'base64url'), name).toHaveLength(32);
    }
  });

  it('gives name and role', async () => {
    expect(await trip()).toMatchObject({ name: 'ana', role: 'analyst' });
  });
});

describe('nobody is let in', () => {
  const ROWS: [string, string, LiarOptions, Trip][] = [
    ['with another state', 'ERR_OIDC_TICKET', {}, { query: () => 'code=c&state=another' }],
    ['without a ticket', 'ERR_OIDC_TICKET', {}, { ticket: '' }],
    ['with a ticket of somebody’s making', 'ERR_OIDC_TICKET', {}, { ticket: 'A'.repeat(120) }],
    ['too late', 'ERR_OIDC_TICKET', {}, { laterMs: TICKET_MS + 1 }],
    [
      'whom the provider refused',
      'ERR_OIDC_DENIED',
      {},
      { query: (state) => `error=access_denied&state=${state}` },
    ],
    ['with another nonce', 'ERR_OIDC_TOKEN', { claims: (c) => ({ ...c, nonce: 'x' }) }, {}],
    ['with another issuer', 'ERR_OIDC_TOKEN', { claims: (c) => ({ ...c, iss: 'https://x' }) }, {}],
    ['with a token for others', 'ERR_OIDC_TOKEN', { claims: (c) => ({ ...c, aud: 'x' }) }, {}],
    ['with a token of another key', 'ERR_OIDC_TOKEN', { signedBy: stranger.privateKey }, {}],
    [
      'with a token that nobody signed',
      'ERR_OIDC_TOKEN',
      {
        token: (t) =>
          `${Buffer.from('{"alg":"none"}').toString('base64url')}.${t.split('.')[1] ?? ''}.`,
      },
      {},
    ],
    [
      'whose token is over for longer than the clocks may differ',
      'ERR_OIDC_CLOCK',
      { claims: (c) => ({ ...c, exp: second() - 60 }) },
      {},
    ],
    [
      'without a name',
      'ERR_OIDC_CLAIMS',
      { claims: (c) => ({ ...c, preferred_username: undefined }) },
      {},
    ],
    [
      'with markup for a name',
      'ERR_OIDC_CLAIMS',
      { claims: (c) => ({ ...c, preferred_username: '<b>ana' }) },
      {},
    ],
    ['without a role', 'ERR_OIDC_ROLE', { claims: (c) => ({ ...c, access: {} }) }, {}],
    [
      'with a word that only objects know',
      'ERR_OIDC_ROLE',
      { claims: (c) => ({ ...c, access: { roles: ['constructor', '__proto__'] } }) },
      {},
    ],
  ];
  it.each(ROWS)('%s: %s', async (_who, code, lies, way) => {
    lie = lies;
    expect(await trip(way)).toBe(code);
  });

  it('while the provider is away; the next try asks it again', async () => {
    const away = createIdentityProvider(
      optionsFor({ issuer: 'http://127.0.0.1:1', publicUrl: 'http://127.0.0.1:1' }),
    );
    await expect(away.begin(NOW)).rejects.toMatchObject({ code: 'ERR_OIDC_UNREACHABLE' });
  });
});

describe('clocks', () => {
  it('may differ by the tolerated seconds', async () => {
    lie = { claims: (claims) => ({ ...claims, exp: second() - 20 }) };
    expect(await trip()).toMatchObject({ name: 'ana' });
  });
});

describe('roles', () => {
  it.each([
    ['review-analysts', 'analyst'],
    [['x', 'review-auditors'], 'auditor'],
    [['review-auditors', 'review-privacy', 'review-analysts'], 'privacy-officer'],
    [[7, null, { review: 1 }], null],
    [undefined, null],
    ['analyst', null],
  ])('%j is %s', (claim, role) => {
    expect(roleOf(claim, ROLES)).toBe(role);
  });
});
