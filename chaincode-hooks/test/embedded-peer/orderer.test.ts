import { describe, expect, it, vi } from 'vitest';
import { SILENT_LOG, type BatchOptions, type Faults } from '../../src/embedded-peer/options.js';
import { Orderer } from '../../src/embedded-peer/orderer.js';

interface Setup {
  readonly orderer: Orderer;
  readonly blocks: number[][];
  readonly faults: Faults;
  /** Lets the commit under way finish. */
  readonly finish: () => Promise<void>;
  fail: boolean;
}

function setup(batch: Partial<BatchOptions>, expectsMore: () => boolean): Setup {
  const blocks: number[][] = [];
  const waiting: (() => void)[] = [];
  const faults: Faults = {
    heightLag: new Map(),
    paused: new Set(),
    submitAnswersLost: false,
    orderingStalled: false,
    cutStreams: () => undefined,
  };
  const state = {
    orderer: new Orderer({
      batch: { timeoutMs: 20, messagesMax: 100, bytesMax: 1_000, ...batch },
      expectsMore,
      commit: async (envelopes) => {
        blocks.push(envelopes.map((envelope) => envelope.length));
        await new Promise<void>((resolve) => waiting.push(resolve));
        if (state.fail) throw new Error('disk full');
      },
      nowMs: () => Date.now(),
      faults,
      log: SILENT_LOG,
    }),
    blocks,
    faults,
    fail: false,
    finish: async () => {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return state;
}

const envelope = (bytes: number): Uint8Array => new Uint8Array(bytes);

describe('cutting blocks', () => {
  it('does not let a lone transaction wait', () => {
    const { orderer, blocks } = setup({}, () => false);
    orderer.submit(envelope(1));
    expect(blocks).toEqual([[1]]);
  });

  it('waits for company that is on its way, but not longer than the timeout', () => {
    vi.useFakeTimers();
    const { orderer, blocks } = setup({}, () => true);
    orderer.submit(envelope(1));
    vi.advanceTimersByTime(19);
    expect(blocks).toEqual([]);
    orderer.submit(envelope(2));
    vi.advanceTimersByTime(1);
    expect(blocks).toEqual([[1, 2]]);
    vi.useRealTimers();
  });

  it('cuts when the company that was expected has arrived', () => {
    let expected = true;
    const { orderer, blocks } = setup({}, () => expected);
    orderer.submit(envelope(1));
    expected = false;
    orderer.reconsider();
    expect(blocks).toEqual([[1]]);
  });

  it('cuts at the count, and keeps the rest in order', async () => {
    const { orderer, blocks, finish } = setup({ messagesMax: 2 }, () => true);
    for (const size of [1, 2, 3, 4, 5]) orderer.submit(envelope(size));
    expect(blocks).toEqual([[1, 2]]);
    await finish();
    expect(blocks).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(orderer.pendingCount).toBe(1);
  });

  it('cuts at the bytes; an envelope larger than that gets a block of its own', async () => {
    const { orderer, blocks, finish } = setup({ bytesMax: 100 }, () => true);
    for (const size of [60, 60, 500]) orderer.submit(envelope(size));
    await finish();
    await finish();
    expect(blocks).toEqual([[60], [60], [500]]);
  });

  it('writes one block at a time', async () => {
    const { orderer, blocks, finish } = setup({}, () => false);
    orderer.submit(envelope(1));
    orderer.submit(envelope(2));
    orderer.submit(envelope(3));
    expect(blocks).toEqual([[1]]);
    await finish();
    expect(blocks).toEqual([[1], [2, 3]]);
  });

  it('orders nothing while stalled, everything afterwards', () => {
    const { orderer, blocks, faults } = setup({}, () => false);
    faults.orderingStalled = true;
    orderer.submit(envelope(1));
    expect(blocks).toEqual([]);
    faults.orderingStalled = false;
    orderer.reconsider();
    expect(blocks).toEqual([[1]]);
  });

  it('stops for good when a block could not be written, and says why', async () => {
    const state = setup({}, () => false);
    state.fail = true;
    state.orderer.submit(envelope(1));
    await state.finish();
    expect(state.orderer.failure?.message).toBe('disk full');
    state.orderer.submit(envelope(2));
    expect(state.blocks).toEqual([[1]]);
  });

  it('commits what is pending before it closes', async () => {
    const { orderer, blocks, finish } = setup({ timeoutMs: 10_000 }, () => true);
    orderer.submit(envelope(1));
    const closed = orderer.close();
    await finish();
    await closed;
    expect(blocks).toEqual([[1]]);
  });
});
