/** Detector 0 and the published results rest on these worlds; whoever moves a byte of them has to redo both. */
import { createHash } from 'node:crypto';
import { encodeAccessEvent } from '@bhschain/models/features';
import { expect, it } from 'vitest';
import {
  createConsortium,
  logConsortiumOf,
  selectLiveCalls,
  simulateDepartmentLog,
  type Consortium,
} from '../src/index.js';

function digestOf(world: Consortium, lines = Infinity): string {
  const hash = createHash('sha256');
  for (const hospital of world.hospitals) {
    let count = 0;
    for (const event of hospital.events()) {
      hash.update(encodeAccessEvent(event));
      if (++count >= lines) break;
    }
  }
  return hash.update(JSON.stringify(world.truth)).digest('hex').slice(0, 16);
}

it('keeps the bytes of the demonstration world', () => {
  const world = createConsortium({ seed: 7, hospitals: 3 });
  expect(digestOf(world, 20_000)).toBe('13f0c0780031f2d2');
  const small = createConsortium({ seed: 5, hospitals: 2, days: 3, staffPerHospital: 60 });
  expect(digestOf(small)).toBe('fc45ecd54dd946d2');
  const { sessions, callCount } = selectLiveCalls(small, { seed: 5, callsMax: 500 });
  expect([callCount, [...sessions].length]).toEqual([500, 23]);
});

it('keeps the bytes of the department logs', () => {
  const log = simulateDepartmentLog({ seed: 3, days: 150 });
  const world = logConsortiumOf(log, { file: 'simulated', hospitals: 2, seed: 3 });
  expect(digestOf(world)).toBe('9df780249dea8500');
});
