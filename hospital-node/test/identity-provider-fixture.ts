/**
 * Identity providers for tests: a real one (oidc-provider, in this process), and one of ours that says whatever a test
 * wants it to say.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { Provider } from 'oidc-provider';
import type { IdentityProviderOptions } from '../src/sign-in/identity-provider.js';
import { CALLBACK } from '../src/sign-in/identity-provider.js';

export const CLIENT = { clientId: 'bhs-node', clientSecret: 'a secret of the test' } as const;
export const ROLES = {
  'review-analysts': 'analyst',
  'review-supervisors': 'supervisor',
  'review-privacy': 'privacy-officer',
  'review-auditors': 'auditor',
  'review-admins': 'admin',
} as const;

export function optionsFor(o: {
  readonly issuer: string;
  readonly publicUrl: string;
}): IdentityProviderOptions {
  return {
    ...o,
    ...CLIENT,
    scope: 'openid profile',
    nameClaim: 'preferred_username',
    roleClaim: 'access.roles',
    roles: ROLES,
    clockToleranceSeconds: 30,
  };
}

interface Running {
  readonly issuer: string;
  close(): Promise<void>;
}

/** Any name signs in there with any password; `rolesOf` says what the hospital thinks of it. */
export async function startRealProvider(o: {
  readonly publicUrl: string;
  readonly rolesOf: (name: string) => readonly string[];
}): Promise<Running> {
  const http = createServer();
  const issuer = await listening(http);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [new URL(CALLBACK, o.publicUrl).href],
        post_logout_redirect_uris: [new URL('/', o.publicUrl).href],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['of a test'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['preferred_username', 'access'] },
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, access: { roles: [...o.rolesOf(sub)] } }),
    }),
  });
  const answer = provider.callback();
  http.on('request', (request, response) => void answer(request, response));
  return { issuer, close: () => closed(http) };
}

export interface LiarOptions {
  /** Changes the claims of the id token before it is signed. */
  readonly claims?: (claims: Record<string, unknown>) => Record<string, unknown>;
  /** Changes the signed token. */
  readonly token?: (token: string) => string;
  readonly signedBy?: KeyObject;
  readonly metadata?: Record<string, unknown>;
}

/** Keeps to the protocol but for what `lie` changes. */
export async function startLiar(lie: () => LiarOptions): Promise<
  Running & {
    /** The nonce that the next token carries, as the provider read it from the browser. */
    nonce: string;
  }
> {
  const http = createServer();
  const issuer = await listening(http);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const running = { issuer, nonce: '', close: () => closed(http) };
  const answers: Record<string, () => unknown> = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      ...lie().metadata,
    }),
    '/jwks': () => ({
      keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'k' }],
    }),
    '/token': () => {
      const now = Math.floor(Date.now() / 1_000);
      const { claims = (each) => each, token = (each) => each, signedBy = privateKey } = lie();
      const truth = {
        ...{ iss: issuer, sub: 'u1', aud: CLIENT.clientId, iat: now, exp: now + 300 },
        ...{ nonce: running.nonce, preferred_username: 'ana' },
        access: { roles: ['review-analysts'] },
      };
      return {
        access_token: 'a',
        token_type: 'Bearer',
        id_token: token(signed(claims(truth), signedBy)),
      };
    },
  };
  http.on('request', (request, response) => {
    const body = answers[request.url?.split('?')[0] ?? '']?.();
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  return running;
}

export function signed(claims: object, key: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
}

async function listening(http: Server): Promise<string> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}

function closed(http: Server): Promise<void> {
  http.closeAllConnections();
  return new Promise((resolve) => http.close(() => resolve()));
}
