import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SCORE_THRESHOLD, disposition, type CallFacts } from '../src/disposition.js';

const ORDINARY: CallFacts = {
  class: 'enforce',
  actorSuspended: false,
  epochOverdue: false,
  call: 'understood',
  grant: 'none',
  detector: 'enforce',
  score: 0,
};

const refused = { kind: 'refused', code: 'ERR_ACTOR_SUSPENDED' };
const held = (cause: string): object => ({ kind: 'quarantined', cause });
const allowed = (because: string): object => ({ kind: 'allowed', because });
const flagged = { kind: 'flagged' };
const STRANGE = { score: 1_000_000 };

describe('the disposition table, row by row', () => {
  const cases: readonly (readonly [string, Partial<CallFacts>, object])[] = [
    ['a suspended actor is refused', { actorSuspended: true }, refused],
    ['… break-glass too', { actorSuspended: true, class: 'break-glass' }, refused],
    ['… with a valid grant too', { actorSuspended: true, grant: 'valid' }, refused],
    ['an unknown function is quarantined', { call: 'unknown' }, held('unknown-function')],
    ['… without any detector too', { call: 'unknown', detector: 'none' }, held('unknown-function')],
    ['a malformed call is quarantined', { call: 'malformed' }, held('arity')],
    ['… break-glass too', { call: 'malformed', class: 'break-glass' }, held('arity')],
    ['break-glass runs and is flagged', { class: 'break-glass' }, flagged],
    ['… whatever the score', { class: 'break-glass', ...STRANGE }, flagged],
    [
      '… with an unusable detector',
      { class: 'break-glass', detector: 'unusable', score: null },
      flagged,
    ],
    ['… with an invalid grant', { class: 'break-glass', grant: 'invalid' }, flagged],
    ['a valid grant lets a strange call run', { grant: 'valid', ...STRANGE }, allowed('grant')],
    [
      '… with an unusable detector',
      { grant: 'valid', detector: 'unusable', score: null },
      allowed('grant'),
    ],
    ['an invalid grant is quarantined', { grant: 'invalid' }, held('grant-invalid')],
    [
      '… before the first detector too',
      { grant: 'invalid', detector: 'none', score: null },
      held('grant-invalid'),
    ],
    [
      'a service account whose epoch is overdue is held',
      { epochOverdue: true },
      held('epoch-overdue'),
    ],
    ['… without any detector too', { epochOverdue: true, detector: 'none' }, held('epoch-overdue')],
    ['… unless the call was released', { epochOverdue: true, grant: 'valid' }, allowed('grant')],
    ['… or breaks the glass', { epochOverdue: true, class: 'break-glass' }, flagged],
    ['without a detector calls run', { detector: 'none', score: null }, allowed('no-detector')],
    ['a shadow detector diverts nothing', { detector: 'shadow', ...STRANGE }, allowed('shadow')],
    ['a shadow function is not diverted', { class: 'shadow', ...STRANGE }, allowed('shadow')],
    [
      '… with an unusable detector',
      { class: 'shadow', detector: 'unusable', score: null },
      allowed('shadow'),
    ],
    [
      'an unusable detector holds',
      { detector: 'unusable', score: null },
      held('detector-unusable'),
    ],
    ['… as does a missing score', { score: null }, held('detector-unusable')],
    ['θ is quarantined', { score: SCORE_THRESHOLD }, held('score')],
    ['the millionth below runs', { score: SCORE_THRESHOLD - 1 }, allowed('score')],
  ];
  it.each(cases)('%s', (_, facts, expected) => {
    expect(disposition({ ...ORDINARY, ...facts })).toEqual(expected);
  });

  const facts = fc.record<CallFacts>({
    class: fc.constantFrom('enforce', 'break-glass', 'shadow'),
    actorSuspended: fc.boolean(),
    epochOverdue: fc.boolean(),
    call: fc.constantFrom('understood', 'malformed', 'unknown'),
    grant: fc.constantFrom('none', 'valid', 'invalid'),
    detector: fc.constantFrom('none', 'shadow', 'enforce', 'unusable'),
    score: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
  });

  it('a call that was understood is never held as break-glass', () => {
    fc.assert(
      fc.property(facts, (f) => {
        fc.pre(f.class === 'break-glass' && f.call === 'understood' && !f.actorSuspended);
        expect(disposition(f)).toEqual(flagged);
      }),
    );
  });

  it('an enforcing detector lets nothing at θ run but a grant and break-glass', () => {
    fc.assert(
      fc.property(facts, (f) => {
        fc.pre(f.detector === 'enforce' && f.class === 'enforce' && f.grant !== 'valid');
        fc.pre(f.score === null || f.score >= SCORE_THRESHOLD);
        expect(disposition(f).kind).not.toBe('allowed');
      }),
    );
  });
});
