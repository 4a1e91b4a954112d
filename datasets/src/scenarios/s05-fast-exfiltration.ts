/**
 * S5: within an hour a member reads and exports many records one after another in the order of their ids.
 * @module
 */

import { HOUR_MS } from '../hospital/calendar.js';
import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');
const EXPORT = step('export notes');

export const fastExfiltration: Scenario = {
  kind: 'fast exfiltration',
  magnitudes: ['records'],
  play(stage) {
    const { random, site } = stage;
    const { patients } = site.care;
    const member = stage.member(['physician', 'resident', 'clerk', 'billing', 'researcher']);
    const records = stage.level('records');
    const session = stage.open(member, { atMs: stage.inShift(member) });
    const from = random.below(patients.length);
    for (let i = 0; i < records; i++) {
      const patient = patients[(from + i) % patients.length]!;
      session.guilty(i % 3 === 0 ? READ : EXPORT, {
        patient,
        bytes: 20_000 + random.below(60_000),
      });
      session.wait(HOUR_MS / records, 0.06);
    }
    session.close();
  },
};
