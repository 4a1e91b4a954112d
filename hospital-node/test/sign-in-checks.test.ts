/** What the doctor says of the way people sign in, against a real provider, a silent one, one without PKCE and one without an end. */
import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfig, ProviderConfig } from '../src/config.js';
import { examine, type Finding } from '../src/doctor/check.js';
import { signInChecks } from '../src/doctor/sign-in-checks.js';
import { freePort } from '../../test/free-port.js';
import {
  ROLES,
  startLiar,
  startRealProvider,
  type LiarOptions,
} from './identity-provider-fixture.js';

const PUBLIC_URL = 'http://127.0.0.1:8443';

let real: Awaited<ReturnType<typeof startRealProvider>>;
let liar: Awaited<ReturnType<typeof startLiar>>;
let lie: LiarOptions = {};

beforeAll(async () => {
  real = await startRealProvider({ publicUrl: PUBLIC_URL, rolesOf: () => [] });
  liar = await startLiar(() => lie);
});
afterAll(async () => {
  await real.close();
  await liar.close();
});
beforeEach(() => {
  lie = {};
});

const look = (
  o: Partial<ProviderConfig> | null,
  now: () => number = Date.now,
): Promise<Finding[]> => {
  const provider: ProviderConfig | null =
    o === null
      ? null
      : {
          ...{ issuer: real.issuer, clientId: 'bhs-node', clientSecretFile: null },
          ...{ publicUrl: PUBLIC_URL, scope: 'openid profile', nameClaim: 'preferred_username' },
          ...{ roleClaim: 'access.roles', roles: ROLES, clockToleranceSeconds: 30 },
          ...o,
        };
  return examine(signInChecks({ signIn: { local: true, provider } } as NodeConfig, now));
};
const states = (findings: readonly Finding[]): string[] =>
  findings.map(({ code, state }) => `${state} ${code}`);

describe('SGN-001 and SGN-002', () => {
  it('are skipped, not passed, where nobody signs in at a provider', async () => {
    expect(states(await look(null))).toEqual(['SKIP SGN-001', 'SKIP SGN-002']);
  });

  it('pass with a real provider, and say which way back it has to know', async () => {
    const findings = await look({});
    expect(states(findings)).toEqual(['PASS SGN-001', 'PASS SGN-002']);
    expect(findings[0]!.sentence).toContain(`${PUBLIC_URL}/api/v1/sign-in/oidc/callback`);
  });

  it('fail and skip when nobody answers at the issuer', async () => {
    const findings = await look({ issuer: `http://127.0.0.1:${await freePort()}` });
    expect(states(findings)).toEqual(['FAIL SGN-001', 'SKIP SGN-002']);
    expect(findings[0]!.fix).toContain('signIn.provider.issuer');
  });

  it('fail when the secret is not there to be read', async () => {
    const [found] = await look({ clientSecretFile: '/nowhere/secret' });
    expect(found).toMatchObject({ state: 'FAIL', code: 'SGN-001' });
    expect(found!.sentence).toContain('/nowhere/secret');
  });

  it('fail when the provider does not take PKCE with S256', async () => {
    lie = { metadata: { code_challenge_methods_supported: ['plain'] } };
    const [found] = await look({ issuer: liar.issuer });
    expect(found).toMatchObject({ state: 'FAIL' });
    expect(found!.sentence).toContain('PKCE with S256');
  });

  it('warn when the provider cannot end a session', async () => {
    lie = { metadata: { code_challenge_methods_supported: ['S256'] } };
    const [found] = await look({ issuer: liar.issuer });
    expect(found).toMatchObject({ state: 'WARN' });
    expect(found!.fix).toContain('close the browser');
  });

  it.each([
    [20_000, 'PASS'],
    [-20_000, 'PASS'],
    [35_000, 'FAIL'],
    [-35_000, 'FAIL'],
  ])(
    'a clock that is %i ms off is a %s, by the tolerance of the configuration',
    async (offMs, state) => {
      const [, found] = await look({}, () => Date.now() + offMs);
      expect(found).toMatchObject({ state, code: 'SGN-002' });
      expect(found!.sentence).toContain('30 s are tolerated');
    },
  );

  it('is skipped when the provider tells no time', async () => {
    const http = createServer((_request, response) => {
      response.sendDate = false;
      response.end('{}');
    });
    const port = await freePort();
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    const [, found] = await look({ issuer: `http://127.0.0.1:${port}` });
    expect(found).toMatchObject({ state: 'SKIP', code: 'SGN-002' });
    await new Promise((resolve) => http.close(resolve));
  });
});
