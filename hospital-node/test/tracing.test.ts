/** Spans reach whoever registers, with codes and slots and nothing else. */
import { trace, type Span, type Tracer } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { HospitalNodeError } from '../src/errors.js';
import { inSpan } from '../src/tracing.js';

interface Seen {
  readonly name: string;
  readonly attributes: unknown;
  status: unknown;
  ended: boolean;
}
const seen: Seen[] = [];

/** The four methods of a span that are used. */
const tracer = {
  startActiveSpan: (
    name: string,
    options: { attributes: unknown },
    body: (span: Span) => unknown,
  ) => {
    const record: Seen = { name, attributes: options.attributes, status: null, ended: false };
    seen.push(record);
    return body({
      setStatus: (status: unknown) => void (record.status = status),
      end: () => void (record.ended = true),
    } as unknown as Span);
  },
} as unknown as Tracer;

afterEach(() => {
  trace.disable();
  seen.length = 0;
});

describe('a span', () => {
  it('costs nothing and goes nowhere without an SDK', async () => {
    expect(await inSpan('round', { slotIndex: 1 }, () => Promise.resolve(7))).toBe(7);
  });

  it('reaches a provider that was registered later, and ends with the code of a fault', async () => {
    trace.setGlobalTracerProvider({ getTracer: () => tracer });
    await inSpan('round', { slotIndex: 7 }, () => Promise.resolve());
    const fault = new HospitalNodeError('ERR_PAUSED', 'nurse-0 must not appear');
    await expect(inSpan('attest', { version: 2 }, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(seen).toEqual([
      { name: 'round', attributes: { slotIndex: 7 }, status: null, ended: true },
      {
        name: 'attest',
        attributes: { version: 2 },
        status: { code: 2, message: 'ERR_PAUSED' },
        ended: true,
      },
    ]);
  });
});
