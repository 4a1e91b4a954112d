/**
 * Sign-in at an identity provider: OpenID Connect, code flow with PKCE (S256), state and nonce, the id token's signature
 * checked. What the provider says becomes a name and one of our roles through a closed table; a person whom the table does
 * not name gets nothing. A hospital node has a door of the same kind of its own: rooms that must not trust one another do
 * not share the code that lets people in.
 * Source: OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9700 (security practice), OpenID Connect RP-Initiated Logout 1.0.
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import * as client from 'openid-client';
import { OrchestratorError, type ErrorFacts } from '../errors.js';
import { OPERATOR_ROLES, type OperatorRole } from './roles.js';
import { FRESH_MS } from './sessions.js';

export interface IdentityProviderOptions {
  /** https, or http on loopback. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, for which PKCE stands alone. */
  readonly clientSecret: string | null;
  /** Where people open the dashboard, without a path: `https://federation.example`. */
  readonly publicUrl: string;
  readonly scope: string;
  /** Claim with the person's name. */
  readonly nameClaim: string;
  /** Claim with one word or a list of them; dots lead inside: `realm_access.roles`. */
  readonly roleClaim: string;
  /** From the provider's word to our role. */
  readonly roles: Readonly<Record<string, OperatorRole>>;
  readonly clockToleranceSeconds: number;
}

export interface ProvenPerson {
  readonly name: string;
  readonly role: OperatorRole;
  /** When the provider asked her last who she is; 0 where it does not say. */
  readonly provenAtMs: number;
  /** As `begin` was told. */
  readonly replaces: string;
  /** Names the session to the provider at sign-out. */
  readonly idToken: string;
}

export interface IdentityProvider {
  /**
   * Where the browser goes, and the ticket that it keeps until it is back.
   * @param o.again - the provider asks the person anew, also one whom it knows
   * @param o.replaces - the session that the new one replaces, by its hash; '' for none. The browser does not send its
   *   cookie when it comes back from elsewhere.
   */
  begin(
    o: Readonly<{ again: boolean; replaces: string; nowMs: number }>,
  ): Promise<Readonly<{ url: string; ticket: string }>>;
  /**
   * @param o.query - of the provider's answer, as it came
   * @throws {OrchestratorError} `ERR_OIDC_UNREACHABLE`, `ERR_OIDC_TICKET`, `ERR_OIDC_DENIED`, `ERR_OIDC_TOKEN`,
   *   `ERR_OIDC_CLOCK`, `ERR_OIDC_CLAIMS`, `ERR_OIDC_ROLE`
   */
  finish(o: Readonly<{ query: string; ticket: string; nowMs: number }>): Promise<ProvenPerson>;
  /** Where the browser goes after signing out here; null if the provider has no such place. */
  farewell(idToken: string | null): Promise<string | null>;
}

export const CALLBACK = '/api/v1/sign-in/oidc/callback';
/** A person may have to find her second factor first. */
export const TICKET_MS: number = 10 * 60_000;
const TIMEOUT_SECONDS = 5;

interface Ticket {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly again: boolean;
  readonly replaces: string;
  readonly untilMs: number;
}

export function createIdentityProvider(o: IdentityProviderOptions): IdentityProvider {
  const redirectUri = new URL(CALLBACK, o.publicUrl).href;
  const tickets = createSeal();
  let known: Promise<client.Configuration> | null = null;
  /** Once found it stays; a provider that was away is asked again at the next sign-in. */
  const configuration = (): Promise<client.Configuration> =>
    (known ??= discover(o).catch((error: unknown) => {
      known = null;
      throw refusalOf(error);
    }));
  return {
    async begin({ again, replaces, nowMs }) {
      const found = await configuration();
      const ticket: Ticket = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
        again,
        replaces,
        untilMs: nowMs + TICKET_MS,
      };
      const url = client.buildAuthorizationUrl(found, {
        redirect_uri: redirectUri,
        scope: o.scope,
        state: ticket.state,
        nonce: ticket.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(ticket.verifier),
        code_challenge_method: 'S256',
        ...(again ? { prompt: 'login', max_age: '0' } : {}),
      });
      return { url: url.href, ticket: tickets.close(ticket) };
    },
    async finish({ query, ticket: sealed, nowMs }) {
      const ticket = tickets.open(sealed);
      const state = new URLSearchParams(query).get('state');
      if (ticket === null || nowMs > ticket.untilMs || state !== ticket.state) {
        throw refuse('ERR_OIDC_TICKET');
      }
      const found = await configuration();
      let tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>;
      try {
        tokens = await client.authorizationCodeGrant(found, new URL(`${redirectUri}?${query}`), {
          expectedState: ticket.state,
          expectedNonce: ticket.nonce,
          pkceCodeVerifier: ticket.verifier,
          idTokenExpected: true,
          // Makes `auth_time` a duty of the token; typing the password takes a moment.
          ...(ticket.again ? { maxAge: FRESH_MS / 1_000 } : {}),
        });
      } catch (error) {
        throw refusalOf(error);
      }
      const claims = tokens.claims() ?? {};
      const name = claimAt(claims, o.nameClaim);
      if (typeof name !== 'string' || !/^[\p{L}\p{N}][\p{L}\p{N}@._-]{0,63}$/u.test(name)) {
        throw refuse('ERR_OIDC_CLAIMS');
      }
      const role = roleOf(claimAt(claims, o.roleClaim), o.roles);
      if (role === null) throw refuse('ERR_OIDC_ROLE', { name });
      const provenAt = claimAt(claims, 'auth_time');
      const provenAtMs = typeof provenAt === 'number' ? Math.min(provenAt * 1_000, nowMs) : 0;
      return { name, role, provenAtMs, replaces: ticket.replaces, idToken: tokens.id_token ?? '' };
    },
    async farewell(idToken) {
      const found = await configuration();
      if (found.serverMetadata().end_session_endpoint === undefined) return null;
      return client.buildEndSessionUrl(found, {
        post_logout_redirect_uri: new URL('/', o.publicUrl).href,
        ...(idToken === null ? {} : { id_token_hint: idToken }),
      }).href;
    },
  };
}

async function discover(o: IdentityProviderOptions): Promise<client.Configuration> {
  const insecure = new URL(o.issuer).protocol === 'http:'; // loopback: the configuration allows no other
  return client.discovery(
    new URL(o.issuer),
    o.clientId,
    { [client.clockTolerance]: o.clockToleranceSeconds },
    o.clientSecret === null ? client.None() : client.ClientSecretBasic(o.clientSecret),
    {
      timeout: TIMEOUT_SECONDS,
      execute: [
        client.enableNonRepudiationChecks,
        // It is marked deprecated only to be seen.
        // eslint-disable-next-line @typescript-eslint/no-deprecated
        ...(insecure ? [client.allowInsecureRequests] : []),
      ],
    },
  );
}

/** Of several roles the one that may do most; null if the provider's words lead to none. */
export function roleOf(
  claim: unknown,
  roles: Readonly<Record<string, OperatorRole>>,
): OperatorRole | null {
  const words = (Array.isArray(claim) ? claim : [claim]).filter((word) => typeof word === 'string');
  const ours = words.flatMap((word) => (Object.hasOwn(roles, word) ? [roles[word]] : []));
  return OPERATOR_ROLES.find((role) => ours.includes(role)) ?? null;
}

function claimAt(claims: object, path: string): unknown {
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path];
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      claims,
    );
}

const SENTENCES = {
  ERR_OIDC_UNREACHABLE: 'The sign-in service does not answer. Try again in a minute.',
  ERR_OIDC_TICKET:
    'This sign-in took longer than ten minutes, or began in another browser. Please start again.',
  ERR_OIDC_DENIED: 'The sign-in service did not let you in.',
  ERR_OIDC_TOKEN:
    'The answer of the sign-in service could not be trusted, so it was not used. Please tell your administrator.',
  ERR_OIDC_CLOCK:
    'The clocks of the orchestrator and of the sign-in service differ too much. Please tell your administrator.',
  ERR_OIDC_CLAIMS: 'The sign-in service did not say who you are. Please tell your administrator.',
  ERR_OIDC_ROLE:
    'You are known to the sign-in service but have no role here. Ask your administrator for one.',
} as const;

function refuse(
  code: keyof typeof SENTENCES,
  facts: ErrorFacts = {},
  cause?: unknown,
): OrchestratorError {
  return new OrchestratorError(code, SENTENCES[code], facts, cause);
}

/** What openid-client threw, as a refusal of ours. */
function refusalOf(error: unknown): OrchestratorError {
  if (error instanceof client.AuthorizationResponseError) {
    return refuse('ERR_OIDC_DENIED', { answer: error.error }, error);
  }
  if (error instanceof client.ResponseBodyError) {
    // The code was used, expired or made for somebody else.
    return refuse('ERR_OIDC_TICKET', { answer: error.error }, error);
  }
  const code = (error as { code?: string }).code;
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return refuse('ERR_OIDC_CLOCK', {}, error);
  const unreachable =
    !(error instanceof client.ClientError) || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT';
  return refuse(unreachable ? 'ERR_OIDC_UNREACHABLE' : 'ERR_OIDC_TOKEN', {}, error);
}

/**
 * The browser keeps the ticket, so nobody can fill a table here by starting sign-ins; only this process, while it runs,
 * can make or read one (AES-256-GCM under a key that is never stored).
 */
function createSeal(): { close(ticket: Ticket): string; open(text: string): Ticket | null } {
  const key = randomBytes(32);
  return {
    close(ticket) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = Buffer.concat([cipher.update(JSON.stringify(ticket), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(text) {
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length < 29) return null;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      try {
        const body = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
        return JSON.parse(body.toString('utf8')) as Ticket;
      } catch {
        return null;
      }
    },
  };
}
