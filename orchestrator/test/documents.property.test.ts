/** Envelope, receipt and manifest: canonical, signed, and nothing else gets through. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { encodeCanonical } from '../src/protocol/canonical.js';
import { decodeEnvelope, encodeEnvelope, type UpdateEnvelope } from '../src/protocol/envelope.js';
import {
  decodeManifest,
  encodeManifest,
  verifyManifest,
  type Manifest,
} from '../src/protocol/manifest.js';
import { decodeParameters, encodeParameters } from '../src/protocol/parameters.js';
import { isSignatureValid, signDocument } from '../src/protocol/signing.js';
import type { Signer } from '../src/federation.js';
import { FEDERATION_ID, START_MS, temporaryFolder, testSigner } from './consortium.js';

const HASH = sha256Hex('something');
const ENVELOPE: UpdateEnvelope = {
  schema: 1,
  roundId: { federationId: FEDERATION_ID, slotIndex: 7, attempt: 1 },
  nodeId: 'H1',
  planHash: HASH,
  layoutHash: HASH,
  baseModel: HASH,
  releases: [{ name: 'update', encoding: 'int32le-2^-20', length: 4, digest: HASH }],
  ledgerHead: { seq: 1, hash: HASH },
  dataCommitment: '',
  software: 'test',
  kernelHash: HASH,
};
const MANIFEST: Manifest = {
  schema: 1,
  federationId: FEDERATION_ID,
  roundId: ENVELOPE.roundId,
  policyHash: HASH,
  planHash: HASH,
  layoutHash: HASH,
  previousManifest: '',
  baseModel: HASH,
  resultModel: HASH,
  parameterCount: 4,
  interval: { fromMs: 1, toMs: 2 },
  cohort: ['H1', 'H2'],
  quorum: 1,
  openedAtMs: 1,
  quorumReachedAtMs: 2,
  closedAtMs: 3,
  contributions: [
    {
      nodeId: 'H1',
      certificate: HASH,
      envelope: HASH,
      update: HASH,
      weight: 1,
      verdict: 'accepted',
      reason: '',
      influencePpm: 1_000_000,
      ledgerHead: HASH,
      dataCommitment: '',
    },
    {
      nodeId: 'H2',
      certificate: '',
      envelope: '',
      update: '',
      weight: 0,
      verdict: 'missing',
      reason: '',
      influencePpm: 0,
      ledgerHead: '',
      dataCommitment: '',
    },
  ],
  aggregation: { rule: 'fedavg', scaleLog2: 20, rate: [1, 1], weightTotal: 1, software: 'test' },
  privacy: {
    differentiallyPrivate: true,
    unit: 'window',
    adjacency: 'add-or-remove-one',
    epsilonMicro: 500_000,
    deltaExponent: 5,
    mechanism: 'discrete-gaussian',
    accountant: 'pld',
  },
};

describe('parameters', () => {
  it('come back as they went, little-endian', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), (values) => {
        const bytes = encodeParameters(Int32Array.from(values));
        expect([...decodeParameters(bytes, values.length)]).toEqual(values);
        expect(() => decodeParameters(bytes, values.length + 1)).toThrow(/expected/);
      }),
    );
    expect([...encodeParameters(Int32Array.of(1, -2))]).toEqual([1, 0, 0, 0, 254, 255, 255, 255]);
  });

  it('are read from any offset', () => {
    const bytes = new Uint8Array([9, ...encodeParameters(Int32Array.of(5))]).subarray(1);
    expect([...decodeParameters(bytes, 1)]).toEqual([5]);
  });
});

describe.each([
  ['envelope', encodeEnvelope(ENVELOPE), decodeEnvelope, 'ERR_ENVELOPE'],
  ['manifest', encodeManifest(MANIFEST), decodeManifest, 'ERR_MANIFEST'],
] as const)('%s', (_, bytes, decode, code) => {
  it('re-encodes to itself', () => {
    expect(encodeCanonical(decode(bytes))).toEqual(bytes);
  });

  it('is refused when cut short anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code }));
    }
  });

  it('with any byte changed is refused, or is another document', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (index, flip) => {
          const changed = bytes.slice();
          changed[index]! ^= flip;
          try {
            expect(encodeCanonical(decode(changed))).toEqual(changed);
          } catch (cause) {
            expect(cause).toMatchObject({ code });
          }
        },
      ),
    );
  });

  it.each([
    ['an unknown key', { extra: 1 }],
    ['a float', { schema: 1.5 }],
    ['another schema', { schema: 2 }],
  ])('is refused with %s', (_what, change) => {
    const document = { ...(JSON.parse(Buffer.from(bytes).toString()) as object), ...change };
    const text = JSON.stringify(
      Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))),
    );
    expect(() => decode(Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });
});

describe('signatures', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  it('hold for one document in one domain under one key', () => {
    const document = Buffer.from('document');
    const signature = signDocument('bhs-update-v1', document, privateKey);
    expect(isSignatureValid('bhs-update-v1', document, signature, publicKey)).toBe(true);
    expect(isSignatureValid('bhs-receipt-v1', document, signature, publicKey)).toBe(false);
    expect(isSignatureValid('bhs-update-v1', Buffer.from('other'), signature, publicKey)).toBe(
      false,
    );
    expect(isSignatureValid('bhs-update-v1', document, Buffer.alloc(3), publicKey)).toBe(false);
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const other = signDocument('bhs-update-v1', document, p384.privateKey);
    expect(isSignatureValid('bhs-update-v1', document, other, p384.publicKey)).toBe(false);
  });
});

describe('verifyManifest', () => {
  let signer: Signer;
  let trusted: string;
  let stranger: Signer;
  beforeAll(async () => {
    const folder = temporaryFolder();
    const other = temporaryFolder();
    ({ signer, trusted } = await testSigner(folder.path, START_MS));
    ({ signer: stranger } = await testSigner(other.path, START_MS));
    folder.remove();
    other.remove();
  });

  const verify = (
    manifest: Manifest,
    o: {
      signer?: Signer;
      previousManifest?: string;
      federationId?: string;
      bytes?: Uint8Array;
    } = {},
  ): Manifest => {
    const by = o.signer ?? signer;
    const bytes = encodeManifest(manifest);
    return verifyManifest({
      bytes: o.bytes ?? bytes,
      signature: by.sign('bhs-manifest-v1', bytes),
      signerCertificate: by.certificatePem,
      trustedSigners: [trusted],
      federationId: o.federationId ?? FEDERATION_ID,
      ...(o.previousManifest === undefined ? {} : { previousManifest: o.previousManifest }),
    });
  };

  it('takes what the ordering organisation signed', () => {
    expect(verify(MANIFEST, { previousManifest: '' })).toEqual(MANIFEST);
  });

  it.each([
    ['a stranger’s signature', 'ERR_MANIFEST_SIGNER', () => verify(MANIFEST, { signer: stranger })],
    [
      'other bytes than were signed',
      'ERR_MANIFEST_SIGNATURE',
      () => verify(MANIFEST, { bytes: encodeManifest({ ...MANIFEST, closedAtMs: 4 }) }),
    ],
    ['another federation', 'ERR_MANIFEST_CHAIN', () => verify(MANIFEST, { federationId: 'other' })],
    [
      'a gap in the chain',
      'ERR_MANIFEST_CHAIN',
      () => verify(MANIFEST, { previousManifest: HASH }),
    ],
    ['a quorum that was not met', 'ERR_MANIFEST', () => verify({ ...MANIFEST, quorum: 2 })],
    [
      'contributions that are not the cohort',
      'ERR_MANIFEST',
      () => verify({ ...MANIFEST, cohort: ['H1'] }),
    ],
    [
      'members out of order',
      'ERR_MANIFEST',
      () =>
        verify({
          ...MANIFEST,
          cohort: ['H2', 'H1'],
          contributions: [...MANIFEST.contributions].reverse(),
        }),
    ],
    [
      'weights that do not add up',
      'ERR_MANIFEST',
      () => verify({ ...MANIFEST, aggregation: { ...MANIFEST.aggregation, weightTotal: 2 } }),
    ],
  ])('refuses %s', (_, code, attempt) => {
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});
