import { X509Certificate, createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import {
  actorOf,
  blockHeaderHash,
  certificateFacts,
  decodeBlock,
  decodeGuardEvent,
  decodeQuarantineRecord,
} from '../src/events.js';
import { encodeGuardEvent, type GuardEvent } from '../src/guard-event.js';
import { person } from './memory-ledger.js';

const EVENT: GuardEvent = {
  v: 1,
  kind: 'access',
  function: 'RecordAccessContract:export',
  session: '00000000000000a1',
  actor: 'a'.repeat(32),
  disposition: 'quarantined',
  scored: true,
  modelVersion: 3,
  quarantine: 'f'.repeat(64),
};

describe('the guard event', () => {
  it('comes back as it went', () => {
    expect(decodeGuardEvent(encodeGuardEvent(EVENT))).toEqual(EVENT);
  });

  it('of a later version is kept raw', () => {
    const later = Buffer.from('{"v":2,"news":[1,2]}');
    expect(decodeGuardEvent(later)).toEqual({ kind: 'unknown', v: 2, raw: { v: 2, news: [1, 2] } });
  });

  it.each([
    ['kind', 'gossip'],
    ['function', 7],
    ['actor', null],
    ['disposition', 'maybe'],
    ['scored', 'yes'],
    ['modelVersion', 'three'],
    ['quarantine', 5],
    ['review', 'open'],
    ['inner', []],
  ])('with a bad %s is refused by name', (property, value) => {
    const bytes = Buffer.from(JSON.stringify({ ...EVENT, [property]: value }));
    expect(() => decodeGuardEvent(bytes)).toThrow(`ERR_EVENT_MALFORMED: guard event: ${property}`);
  });

  it.each(['', 'null', '[1]', '{"v":'])('is not read from %j', (text) => {
    expect(() => decodeGuardEvent(Buffer.from(text))).toThrow('ERR_EVENT_MALFORMED');
  });
});

describe('an actor', () => {
  const attributes = { role: 'nurse', ward: '4B', class: 'person' };

  it('is the hash of MSP, subject and issuer as DER', () => {
    const { certificatePem, actor } = person('H1MSP', 'p-77', attributes);
    const { subject, issuer } = certificateFacts(certificatePem);
    const hash = createHash('sha256')
      .update(Buffer.concat([Buffer.from('H1MSP\u001f'), subject, Buffer.from('\u001f'), issuer]))
      .digest('hex');
    expect(actor).toBe(hash.slice(0, 32));
    const x509 = new X509Certificate(certificatePem);
    const raw = x509.raw;
    expect(raw.includes(Buffer.from(subject))).toBe(true);
    expect(Buffer.from(subject).includes('p-77')).toBe(true);
    expect(Buffer.from(issuer).includes('ca.H1MSP')).toBe(true);
  });

  it('stays the same with another key, and is another one in another MSP', () => {
    const one = person('H1MSP', 'p-77', attributes);
    const again = person('H1MSP', 'p-77', {});
    expect(again.certificatePem).not.toBe(one.certificatePem);
    expect(again.actor).toBe(one.actor);
    expect(actorOf('H2MSP', one.certificatePem)).not.toBe(one.actor);
  });

  it('brings its attributes', () => {
    const { certificatePem } = person('H1MSP', 'p-78', attributes);
    expect(certificateFacts(certificatePem).attributes).toEqual(attributes);
    expect(certificateFacts(person('H1MSP', 'p-79', {}).certificatePem).attributes).toEqual({});
  });

  it('is not read from a certificate cut anywhere', () => {
    const { certificatePem } = person('H1MSP', 'p-80', attributes);
    const der = new X509Certificate(certificatePem).raw;
    const frame = (bytes: Buffer): string =>
      `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect(actorOf('H1MSP', frame(der))).toBe(actorOf('H1MSP', certificatePem));
    for (let length = 0; length < der.length; length += 7) {
      expect(() => actorOf('H1MSP', frame(der.subarray(0, length)))).toThrow('ERR_CERTIFICATE');
    }
    expect(() => actorOf('H1MSP', 'hello')).toThrow('ERR_CERTIFICATE');
  });
});

describe('blocks', () => {
  it.each([
    // DER by hand: SEQUENCE { INTEGER n, OCTET STRING 32 × 01, OCTET STRING 32 × 02 }
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [65_536, '0203010000'],
  ])('header hash of number %i', (number, integer) => {
    const previousHash = new Uint8Array(32).fill(1);
    const dataHash = new Uint8Array(32).fill(2);
    const body = `${integer}0420${'01'.repeat(32)}0420${'02'.repeat(32)}`;
    const der = Buffer.from(`30${(body.length / 2).toString(16)}${body}`, 'hex');
    expect(blockHeaderHash({ number, previousHash, dataHash })).toBe(
      createHash('sha256').update(der).digest('hex'),
    );
  });

  it('bytes that are no block are refused', () => {
    expect(() => decodeBlock(new Uint8Array())).toThrow('ERR_BLOCK_MALFORMED');
    expect(() => decodeBlock(Uint8Array.of(0xff, 0xff))).toThrow('ERR_BLOCK_MALFORMED');
  });
});

describe('a quarantine record', () => {
  it.each(['{}', '{"txId":1}', 'no'])('is not read from %s', (text) => {
    expect(() => decodeQuarantineRecord(Buffer.from(text))).toThrow('ERR_LEDGER_VALUE');
  });
});
