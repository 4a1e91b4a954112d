import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  callFromArguments,
  callFromEvent,
  CODE_ACT_BASE,
  decodeCallContext,
  encodeCallContext,
  FeatureError,
  FUNCTION_POLICY,
  GUARDED_POLICY,
  guardedFunctionOf,
  intentFromEvent,
  recordTagOf,
} from '../src/features/index.js';
import { anyEvent, eventOf, names, T0 } from './features-fixture.js';

const caller = { role: 'nurse', mspId: 'H1MSP', timeMs: T0 };

describe('guarded call', () => {
  it('is the same from a log line and from the proposal that the line becomes', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const intent = intentFromEvent(event, names);
        const call = callFromEvent(event, names);
        expect(intent === null).toBe(call === null);
        if (intent === null || call === null) return;
        const again = callFromArguments(intent.functionName, intent.args, {
          role: event.role,
          mspId: `${event.nodeId}MSP`,
          timeMs: 1,
        });
        // A home that the handle does not name is the gateway's choice; `names` says H1.
        fc.pre(event.patient === null || event.patient.startsWith('H') || event.nodeId === 'H1');
        expect(again).toEqual(call);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps equality of records without ledger names', () => {
    fc.assert(
      fc.property(anyEvent, anyEvent, (a, b) => {
        const same = (n?: typeof names): boolean =>
          callFromEvent(a, n)?.recordTag === callFromEvent(b, n)?.recordTag;
        expect(same()).toBe(same(names));
      }),
    );
  });

  it('asks nothing of the ledger for an unknown action', () => {
    expect(callFromEvent(eventOf({ action: 'unknown' }))).toBeNull();
    expect(intentFromEvent(eventOf({ action: 'unknown' }), names)).toBeNull();
  });

  it('takes the code as the act where there is one', () => {
    expect(callFromEvent(eventOf({ code: '17' }))?.act).toBe(CODE_ACT_BASE + 17);
  });

  it('sees a record of another hospital as foreign', () => {
    expect(callFromEvent(eventOf({ patient: 'H2-P1' }))?.homeRecord).toBe(false);
    expect(callFromEvent(eventOf({ patient: 'H1-P1' }))?.homeRecord).toBe(true);
  });

  it.each([
    ['read', false, 'requestAccess'],
    ['search', false, 'requestAccess'],
    ['print', false, 'export'],
    ['disclose', false, 'export'],
    ['dispense', false, 'amend'],
    ['claim', false, 'amend'],
    ['delete', false, 'erase'],
    ['override', false, 'breakGlass'],
    ['read', true, 'breakGlass'],
    ['login', true, 'openSession'],
    ['logout', false, 'closeSession'],
  ] as const)('maps %s (break-glass %s) to %s', (action, breakGlass, expected) => {
    expect(guardedFunctionOf({ action, breakGlass })).toBe(expected);
  });

  const good = ['0123456789abcdef', 'H1-0123456789abcdef', 'treatment', 'results', '1', ''];
  const changed = (position: number, value: string): string[] => good.with(position, value);
  it.each([
    ['too few arguments', good.slice(1), 'arity'],
    ['a session that is no handle', changed(0, 'abc'), '0 session'],
    ['a record that is a name', changed(1, 'Jane Doe'), '1 record'],
    ['an unknown purpose', changed(2, 'fun'), '2 purpose'],
    ['an unknown section', changed(3, 'attic'), '3 section'],
    ['a count of none', changed(4, '0'), '4 count'],
    ['a count with a sign', changed(4, '+1'), '4 count'],
    ['a context out of order', changed(5, 'code=1;at=5'), 'context'],
    ['a context with a repeated key', changed(5, 'at=5;at=6'), 'context'],
    ['an action of another function', changed(5, 'action=delete'), 'context action'],
    ['a code beyond the table', changed(5, 'code=60000'), 'context'],
  ])('refuses %s', (_, args, path) => {
    let fault: unknown;
    try {
      callFromArguments('requestAccess', args, caller);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(FeatureError);
    expect((fault as FeatureError).code).toBe('ERR_CALL_ARGUMENTS');
    expect((fault as FeatureError).path).toBe(path);
  });

  it('refuses a function that is not guarded', () => {
    expect(() => callFromArguments('DetectorContract:propose', [], caller)).toThrow(FeatureError);
  });

  it('gives only coded errors for any arguments', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(GUARDED_POLICY)),
        fc.array(fc.string({ unit: 'binary' }), { maxLength: 9 }),
        (name, args) => {
          try {
            callFromArguments(name, args, caller);
          } catch (error) {
            expect(error).toBeInstanceOf(FeatureError);
          }
        },
      ),
    );
  });

  it('has one text for each context', () => {
    const context = fc.record({
      atMs: fc.option(fc.nat()),
      timeGranularity: fc.constantFrom('exact' as const, 'day' as const, 'case-shifted' as const),
      code: fc.option(fc.nat({ max: 59_999 })),
      action: fc.option(fc.constantFrom('read' as const, 'print' as const)),
      grant: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
    });
    fc.assert(
      fc.property(context, (value) => {
        expect(decodeCallContext(encodeCallContext(value))).toEqual(value);
      }),
    );
  });

  it('keeps tag 0 for no record', () => {
    expect(recordTagOf('')).toBe(0);
    expect(recordTagOf('H1-0000000000000000')).toBe(1);
    expect(recordTagOf('H1-9f000000aaaaaaaa')).toBe(0x9f000000);
  });

  it('lists every guarded function with its contract', () => {
    for (const [name, policy] of Object.entries(GUARDED_POLICY)) {
      expect(FUNCTION_POLICY[`RecordAccessContract:${name}`]).toBe(policy);
      expect(policy.arguments[0]).toBe('session');
      expect(policy.arguments.at(-1)).toBe('context');
    }
  });
});
