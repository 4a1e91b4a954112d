import { describe, expect, it } from 'vitest';
import { createConsortium } from '../src/index.js';
import { toDanfo } from '../src/danfo.js';

class Frame {
  readonly rows: readonly Readonly<Record<string, unknown>>[];

  constructor(rows: readonly Readonly<Record<string, unknown>>[]) {
    this.rows = rows;
  }
}

describe('access events as a data frame', () => {
  const events = [
    ...createConsortium({
      seed: 1,
      hospitals: 1,
      days: 1,
      staffPerHospital: 20,
    }).hospitals[0]!.events(),
  ].slice(0, 50);

  it('have one row each, with a sequence that loses no digit', async () => {
    const frame = await toDanfo<Frame>(events, () => Promise.resolve({ DataFrame: Frame }));
    expect(frame.rows).toHaveLength(50);
    expect(frame.rows[0]).toMatchObject({ actor: events[0]!.actor, timeMs: events[0]!.timeMs });
    expect(frame.rows[0]!['sequence']).toBe(String(events[0]!.sequence));
  });

  it('say how to get danfo.js where it is not installed', async () => {
    await expect(
      toDanfo(events, () => Promise.reject(new Error('Cannot find package'))),
    ).rejects.toMatchObject({
      code: 'ERR_DANFO_ABSENT',
      message: expect.stringContaining('npm i danfojs') as string,
    });
  });
});
