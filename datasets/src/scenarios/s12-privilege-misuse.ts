/**
 * S12: an administrator grants himself a role, reads, and takes the grant back.
 * @module
 */

import { HOUR_MS } from '../hospital/calendar.js';
import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const GRANT = step('grant governance for operations set');
const READS = ['read notes', 'read results'].map(step);
const REVERT = step('update governance for operations set');

export const privilegeMisuse: Scenario = {
  kind: 'privilege misuse',
  magnitudes: ['reads', 'hours'],
  play(stage) {
    const { random, days } = stage;
    const member = stage.member(['administrator']);
    const startMs = stage.inShift(member, stage.workDays(member, days.length)[0]);
    // The live part may be shorter than the scenario would like.
    const hours = Math.min(stage.level('hours'), (days.length - 1) * 24);
    const parts = hours < 2 ? 1 : 3;
    let session = stage.open(member, { atMs: startMs });
    const pause = (): void => {
      if (parts === 1) return;
      session.close();
      session = stage.open(member, { atMs: session.atMs + (hours * HOUR_MS) / 2 });
    };
    session.guilty(GRANT);
    session.wait(60_000, 0.5);
    pause();
    for (let i = 0; i < stage.level('reads'); i++) {
      session.guilty(random.pick(READS), { patient: stage.stranger(member) });
      session.wait(25_000, 0.6);
    }
    pause();
    session.guilty(REVERT);
    session.close();
  },
};
