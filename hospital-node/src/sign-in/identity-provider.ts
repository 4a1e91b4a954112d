/**
 * Sign-in at the hospital's own identity provider: OpenID Connect, code flow with PKCE (S256), state and nonce, the id
 * token's signature checked. What the provider says becomes a name and one of our roles through a closed table; a person
 * whom the table does not name gets nothing.
 * Source: OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9700 (security practice), OpenID Connect RP-Initiated Logout 1.0.
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import * as client from 'openid-client';
import { ReviewError } from '../review/errors.js';
import type { PersonRole } from '../review/people.js';

export interface IdentityProviderOptions {
  /** https, or http on loopback. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, for which PKCE stands alone. */
  readonly clientSecret: string | null;
  /** Where people open the page, without a path: `https://review.hospital.example`. */
  readonly publicUrl: string;
  readonly scope: string;
  /** Claim with the account's name. */
  readonly nameClaim: string;
  /** Claim with one word or a list of them; dots lead inside: `realm_access.roles`. */
  readonly roleClaim: string;
  /** From the provider's word to our role. */
  readonly roles: Readonly<Record<string, PersonRole>>;
  readonly clockToleranceSeconds: number;
}

export interface Newcomer {
  readonly name: string;
  readonly role: PersonRole;
  /** When the provider last asked who she is (`auth_time`); null where it does not say. */
  readonly provenAtMs: number | null;
  /** Names the session to the provider at sign-out. */
  readonly idToken: string;
}

export interface IdentityProvider {
  /** Where the browser goes, and the ticket that it keeps until it is back. */
  begin(
    nowMs: number,
    /** `again`: the provider asks anew, whatever session it has, and says when. */
    o?: Readonly<{ again: boolean }>,
  ): Promise<Readonly<{ url: string; ticket: string }>>;
  /**
   * @param query - of the provider's answer, as it came
   * @throws {ReviewError} `ERR_OIDC_UNREACHABLE`, `ERR_OIDC_TICKET`, `ERR_OIDC_DENIED`, `ERR_OIDC_TOKEN`, `ERR_OIDC_CLAIMS`,
   *   `ERR_OIDC_ROLE`
   */
  finish(o: Readonly<{ query: string; ticket: string; nowMs: number }>): Promise<Newcomer>;
  /** Where the browser goes after signing out here; null if the provider has no such place. */
  farewell(idToken: string | null): Promise<string | null>;
}

export const CALLBACK = '/api/v1/sign-in/oidc/callback';
/** A person may have to find her second factor first. */
export const TICKET_MS: number = 10 * 60_000;
const TIMEOUT_SECONDS = 5;
/** Of several roles the one that may do most is taken; they are in this order. */
const STRONGEST_FIRST: readonly PersonRole[] = [
  'privacy-officer',
  'supervisor',
  'analyst',
  'auditor',
  'admin',
];

interface Ticket {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly untilMs: number;
  readonly again: boolean;
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
    async begin(nowMs, { again } = { again: false }) {
      const found = await configuration();
      const ticket: Ticket = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
        untilMs: nowMs + TICKET_MS,
        again,
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
          ...(ticket.again ? { maxAge: TICKET_MS / 1_000 } : {}),
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
      const provenAt = tokens.claims()?.auth_time;
      return {
        ...{ name, role, idToken: tokens.id_token ?? '' },
        provenAtMs: provenAt === undefined ? null : provenAt * 1_000,
      };
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

/** @throws what openid-client throws if the provider does not answer or is not one */
export async function discover(
  o: Pick<
    IdentityProviderOptions,
    'issuer' | 'clientId' | 'clientSecret' | 'clockToleranceSeconds'
  >,
): Promise<client.Configuration> {
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

/** The strongest of our roles that the provider's words lead to; null if none does. */
export function roleOf(
  claim: unknown,
  roles: Readonly<Record<string, PersonRole>>,
): PersonRole | null {
  const words = (Array.isArray(claim) ? claim : [claim]).filter((word) => typeof word === 'string');
  const ours = words.flatMap((word) => (Object.hasOwn(roles, word) ? [roles[word]] : []));
  return STRONGEST_FIRST.find((role) => ours.includes(role)) ?? null;
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

export const OIDC_SENTENCES = {
  ERR_OIDC_UNREACHABLE: "The hospital's sign-in service does not answer. Try again in a minute.",
  ERR_OIDC_TICKET:
    'This sign-in took longer than ten minutes, or began in another browser. Please start again.',
  ERR_OIDC_DENIED: "The hospital's sign-in service did not let you in.",
  ERR_OIDC_TOKEN:
    "The answer of the hospital's sign-in service could not be trusted, so it was not used. Please tell your administrator.",
  ERR_OIDC_CLOCK:
    "The clocks of this node and of the hospital's sign-in service differ too much. Please tell your administrator.",
  ERR_OIDC_CLAIMS:
    "The hospital's sign-in service did not say who you are. Please tell your administrator.",
  ERR_OIDC_ROLE:
    'You are known to the hospital but have no role in this review. Ask your administrator for one.',
} as const;
export type OidcErrorCode = keyof typeof OIDC_SENTENCES;

function refuse(
  code: OidcErrorCode,
  facts: Readonly<Record<string, string>> = {},
  cause?: unknown,
): ReviewError {
  return new ReviewError(code, OIDC_SENTENCES[code], facts, cause);
}

/** What openid-client threw, as a refusal of ours. */
function refusalOf(error: unknown): ReviewError {
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
