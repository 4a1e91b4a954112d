import { describe, expect, it } from 'vitest';
import { Admission } from '../src/admission.js';

const LIMITS = {
  callsPerSecond: 2,
  uploadsPerNode: 2,
  downloadsPerNode: 2,
  chunkTakenMs: 1_000,
  handlersMax: 3,
  inFlightBytesMax: 100,
  bytesPerNodeDay: 250,
};

function make(): { admission: Admission; clock: { now: number } } {
  const clock = { now: 1_000_000 };
  return { clock, admission: new Admission(LIMITS, () => clock.now) };
}
const busy = (message: RegExp): object =>
  expect.objectContaining({
    code: 'ERR_BUSY',
    message: expect.stringMatching(message) as string,
  }) as object;

describe('admission', () => {
  it('allows a burst of two seconds, then the sustained rate', () => {
    const { admission, clock } = make();
    for (let call = 0; call < 4; call++) admission.enter('H1')();
    expect(() => admission.enter('H1')).toThrow(busy(/calls of this node; wait 500 ms/));
    // Others are not affected, and half a second is worth one call.
    admission.enter('H2')();
    clock.now += 500;
    admission.enter('H1')();
    expect(() => admission.enter('H1')).toThrow(busy(/calls of this node/));
  });

  it('bounds what is in progress, and frees it once', () => {
    const { admission } = make();
    const leave = ['H1', 'H2', 'H3'].map((node) => admission.enter(node));
    expect(() => admission.enter('H4')).toThrow(busy(/in progress/));
    leave[0]!();
    leave[0]!();
    admission.enter('H4');
    expect(() => admission.enter('H5')).toThrow(busy(/in progress/));
  });

  it('bounds uploads, bytes in flight and bytes a day', () => {
    const { admission, clock } = make();
    const first = admission.enter('H1', 60);
    expect(admission.inFlightBytes).toBe(60);
    expect(() => admission.enter('H2', 60)).toThrow(busy(/bytes in flight/));
    const second = admission.enter('H1', 40);
    expect(() => admission.enter('H1', 0 + 1)).toThrow(busy(/uploads of this node/));
    first();
    second();
    admission.enter('H1', 100)();
    clock.now += 10_000;
    expect(() => admission.enter('H1', 100)).toThrow(busy(/bytes of this node today/));
    clock.now += 86_400_000;
    admission.enter('H1', 100)();
  });

  it('bounds downloads of a node, and frees them', () => {
    const { admission } = make();
    const first = admission.download('H1');
    admission.download('H1');
    expect(() => admission.download('H1')).toThrow(busy(/downloads of this node/));
    admission.download('H2');
    first();
    admission.download('H1');
  });

  it('keeps the limits when the clock goes back', () => {
    const { admission, clock } = make();
    for (let call = 0; call < 4; call++) admission.enter('H1')();
    clock.now -= 10_000;
    expect(() => admission.enter('H1')).toThrow(busy(/calls of this node/));
  });
});
