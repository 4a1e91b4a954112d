import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAccessEvent,
  encodeAccessEvent,
  FeatureError,
  homeOf,
} from '../src/features/index.js';
import { anyEvent, eventOf } from './features-fixture.js';

function faultOf(act: () => unknown): FeatureError {
  try {
    act();
  } catch (error) {
    if (error instanceof FeatureError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('access event', () => {
  it('survives a round trip through its JSON line', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
      }),
    );
  });

  const json = JSON.parse(encodeAccessEvent(eventOf())) as Record<string, unknown>;
  it.each([
    ['an unknown role', { role: 'wizard' }, 'role'],
    ['a time that is not an integer', { timeMs: 1.5 }, 'timeMs'],
    ['a negative time', { timeMs: -1 }, 'timeMs'],
    ['an empty actor', { actor: '' }, 'actor'],
    ['text beyond 256 characters', { actor: 'x'.repeat(257) }, 'actor'],
    ['a count of none', { recordCount: 0 }, 'recordCount'],
    ['a sequence that is a number', { sequence: 7 }, 'sequence'],
    ['a code with a leading zero', { code: '07' }, 'code'],
    ['a missing field', { section: undefined }, 'section'],
    ['a field that does not exist', { diagnosis: 'x' }, 'diagnosis'],
  ])('refuses %s and names the field', (_, change, path) => {
    const fault = faultOf(() => decodeAccessEvent({ ...json, ...change }));
    expect(fault.code).toBe('ERR_ACCESS_EVENT');
    expect(fault.path).toBe(path);
    expect(fault.message).toContain('expected');
  });

  it.each([null, 7, 'text', [json]])('refuses %j, which is no object', (value) => {
    expect(faultOf(() => decodeAccessEvent(value)).path).toBe('event');
  });

  it('gives only coded errors for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(faultOf(() => decodeAccessEvent(value)).code).toBe('ERR_ACCESS_EVENT');
      }),
    );
  });

  it('reads the home hospital of a patient handle', () => {
    expect(homeOf('H2-P0001')).toBe('H2');
    expect(homeOf('P0001')).toBeNull();
    expect(homeOf('H0-P')).toBeNull();
  });
});
