/** SGN: the hospital's identity provider. @module */
import { readFileSync } from 'node:fs';
import type { NodeConfig, ProviderConfig } from '../config.js';
import { CALLBACK, discover } from '../sign-in/identity-provider.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';

const TIMEOUT_MS = 5_000;
const LOCAL_ONLY = skip(
  'People sign in with local accounts; no identity provider is configured.',
  'See `bhs-node config explain`, signIn.provider.',
);

export function signInChecks({ signIn }: NodeConfig, now: () => number): Check[] {
  const { provider } = signIn;
  if (provider === null) {
    return ['SGN-001', 'SGN-002'].map((code) => ({ code, look: () => LOCAL_ONLY }));
  }
  return [
    { code: 'SGN-001', look: () => providerLook(provider) },
    { code: 'SGN-002', look: () => clockLook(provider, now) },
  ];
}

async function providerLook(provider: ProviderConfig): Promise<Look> {
  const { issuer, clientSecretFile: file } = provider;
  const clientSecret = file === null ? null : readFileSync(file, 'utf8').trim();
  let found: Awaited<ReturnType<typeof discover>>;
  try {
    found = await discover({ ...provider, clientSecret });
  } catch (error) {
    return fail(
      `The identity provider ${issuer} was not found: ${error instanceof Error ? error.message : String(error)}.`,
      'Look at signIn.provider.issuer, at its certificate, and at what stands between.',
    );
  }
  const { code_challenge_methods_supported: methods, end_session_endpoint: end } =
    found.serverMetadata();
  if (methods?.includes('S256') === false) {
    return fail(
      `The identity provider ${issuer} does not take PKCE with S256.`,
      'It has to be switched on there; there is no sign-in without it.',
    );
  }
  const back = new URL(CALLBACK, provider.publicUrl).href;
  return end === undefined
    ? warn(
        `The identity provider ${issuer} answers, but cannot end a session.`,
        'Signing out here leaves people signed in there; close the browser.',
      )
    : pass(`The identity provider ${issuer} answers; it has to know ${back} as a way back.`);
}

/** By the `Date` of an answer, which counts whole seconds. */
async function clockLook(provider: ProviderConfig, now: () => number): Promise<Look> {
  const address = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  let date: string | null;
  try {
    date = (await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) })).headers.get('date');
  } catch {
    return skip('The identity provider was not reached.', 'See SGN-001.');
  }
  if (date === null) {
    return skip('The identity provider does not tell its time.', 'Compare the clocks by hand.');
  }
  const offSeconds = Math.abs(now() - Date.parse(date)) / 1_000;
  const sentence = `The identity provider's clock is ${offSeconds.toFixed(0)} s off; ${provider.clockToleranceSeconds} s are tolerated.`;
  return offSeconds > provider.clockToleranceSeconds + 1
    ? fail(sentence, 'Start a time service on both machines.')
    : pass(sentence);
}
