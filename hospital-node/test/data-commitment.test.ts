import { createSecureRandom } from '@bhschain/dp';
import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { commitmentOf, commitToData } from '../src/round/data-commitment.js';

const random = createSecureRandom((bytes) => randomFillSync(bytes));
const batch = [Float32Array.of(1, 2, 3), Uint8Array.of(3), Uint8Array.of(7)];

describe('the data commitment', () => {
  it('is opened by its salt and these data, and by no others', () => {
    const { commitment, salt } = commitToData(batch, random);
    const opened = Buffer.from(salt, 'hex');
    expect(commitmentOf(batch, opened)).toBe(commitment);
    expect(commitmentOf([Float32Array.of(1, 2, 4), ...batch.slice(1)], opened)).not.toBe(
      commitment,
    );
    expect(
      commitmentOf([batch[0]!, Uint8Array.of(3, 7)], opened),
      'parts do not flow together',
    ).not.toBe(commitment);
  });

  it('tells nothing: the same data are committed to differently each time', () => {
    const [first, second] = [commitToData(batch, random), commitToData(batch, random)];
    expect(first.commitment).not.toBe(second.commitment);
    expect(first.salt).toMatch(/^[0-9a-f]{64}$/);
  });
});
