import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  buildBlock,
  dataHashOf,
  decodeBlock,
  headerHashOf,
} from '../../src/embedded-peer/block.js';
import { common } from '@hyperledger/fabric-protos';

const base64 = (text: string): Buffer => Buffer.from(text, 'base64');

/**
 * Block 1 of a channel of a real Fabric network, hashed by Fabric's own code.
 * Source: github.com/myeongkil/fabric-block-parser, README, "Get block hash".
 */
it('hashes the header of a real block as Fabric does', () => {
  const hash = headerHashOf({
    number: 1,
    previousHash: base64('JJZLIU7NUrZu488klZQ1qXKCrotVFdqCRJV0BqPoas4='),
    dataHash: base64('SyjV20FFUsxhX9d0+s6rYNoZspWV3jL6/GlePRekkDk='),
  });
  expect(hash.toString('base64')).toBe('PD+1AReN2lI4Rqan4AoaCHN5i4xsiggyCIMzIKSAixc=');
});

it('hashes data as the concatenation of its envelopes', () => {
  const [one, two] = [Buffer.from('one'), Buffer.from('two')];
  const expected = createHash('sha256').update('onetwo').digest();
  expect(dataHashOf([one, two])).toEqual(expected);
});

it('gives back the parts of a block that it built', () => {
  const parts = {
    number: 2 ** 40,
    previousHash: Buffer.alloc(32, 1),
    envelopes: [Buffer.from('one'), Buffer.from('two')],
    codes: Uint8Array.of(0, 11),
    lastConfig: 300,
  };
  const { bytes, headerHash } = buildBlock(parts);
  const decoded = decodeBlock(common.Block.deserializeBinary(bytes));
  expect(decoded.number).toBe(parts.number);
  expect(decoded.envelopes.map((envelope) => Buffer.from(envelope))).toEqual(parts.envelopes);
  expect([...decoded.codes]).toEqual([0, 11]);
  expect(decoded.lastConfig).toBe(300);
  expect(headerHashOf(decoded)).toEqual(headerHash);
});
