/** What goes wrong between node and orchestrator comes as a sentence: which certificate, which name, how many seconds. */
import { FederationError, type FederationErrorCode } from '@bhschain/orchestrator/protocol';
import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../src/config.js';
import { faultOf, sentenceOf } from '../src/doctor/federation-fault.js';

const config = {
  nodeId: 'H1',
  federation: {
    id: 'fed',
    address: 'o.example:7443',
    tls: { ca: '/s/tls/ca.pem', cert: '/s/tls/cert.pem', key: '/s/tls/key.pem' },
  },
} as unknown as NodeConfig;

const ADDRESS = 'o.example:7443';
const CERTIFICATE = 'the certificate in /s/tls/cert.pem';

describe('a fault between node and orchestrator', () => {
  it.each<[FederationErrorCode, string, readonly string[]]>([
    ['ERR_UNREACHABLE', 'ECONNREFUSED', [ADDRESS, 'does not answer', 'firewall']],
    [
      'ERR_TLS_REFUSED',
      'certificate refused: ssl3_read_bytes:tlsv1 alert unknown ca',
      [ADDRESS, 'refused our certificate', CERTIFICATE, 'another authority', 'rejoin'],
    ],
    ['ERR_TLS_REFUSED', 'self signed certificate in certificate chain', [ADDRESS, '/s/tls/ca.pem']],
    [
      'ERR_TLS_REFUSED',
      'ssl3_read_bytes:sslv3 alert certificate expired',
      [CERTIFICATE, 'has expired', 'privacy ledger stays'],
    ],
    [
      'ERR_TLS_REFUSED',
      'certificate has expired',
      [`The certificate of ${ADDRESS} has expired`, 'clock'],
    ],
    ['ERR_TLS_REFUSED', 'certificate is not yet valid', ['clocks is wrong', 'time service']],
    [
      'ERR_TLS_REFUSED',
      "Hostname/IP does not match certificate's altnames: Host: o.example",
      [ADDRESS, 'does not carry that name'],
    ],
    [
      'ERR_TLS_REFUSED',
      'tlsv13 alert certificate required',
      ['refused our certificate', 'IDN-001'],
    ],
    ['ERR_CERTIFICATE_REVOKED', 'revoked', [CERTIFICATE, 'revoked', 'rejoin']],
    ['ERR_IDENTITY_UNKNOWN', 'unknown', [CERTIFICATE, 'roster']],
    ['ERR_NODE_MISMATCH', 'other', [CERTIFICATE, 'H1']],
    ['ERR_FEDERATION_MISMATCH', 'other', [ADDRESS, 'fed']],
    ['ERR_LEDGER_ROLLED_BACK', 'older', ['newer privacy ledger', 'Restore']],
    ['ERR_TOKEN_INVALID', 'no', ['invitation', 'new one']],
  ])('%s (%s)', (code, message, parts) => {
    const { sentence, fix } = faultOf(new FederationError(code, message), config);
    for (const part of parts) expect(`${sentence} ${fix}`).toContain(part);
    expect(sentence).toMatch(/\.$/);
    expect(fix).toMatch(/\.$/);
  });

  it.each([
    [90_000, '90 s ahead of'],
    [-3_600_000, '3600 s behind'],
  ])('names a skew of %i ms in seconds and side', (clockOffsetMs, words) => {
    const error = new FederationError('ERR_CLOCK_SKEW', 'skew', { facts: { clockOffsetMs } });
    const sentence = sentenceOf(error, config);
    expect(sentence).toContain(words);
    expect(sentence).toContain('(ERR_CLOCK_SKEW)');
    expect(sentence).toContain('time service');
  });
});
