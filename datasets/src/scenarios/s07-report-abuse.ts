/**
 * S7: broad cohort queries through a report or the API, paged, with large answers.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const QUERY = step('search results for operations set');
const EXPORT = step('export results for operations set');

export const reportAbuse: Scenario = {
  kind: 'report abuse',
  magnitudes: ['queries', 'rows'],
  play(stage) {
    const { random } = stage;
    const member = stage.member(['billing', 'administrator', 'physician', 'researcher']);
    const session = stage.open(member, { atMs: stage.inShift(member) });
    const channel = random.pick(['report', 'api'] as const);
    for (let query = 0; query < stage.level('queries'); query++) {
      const records = Math.max(1, Math.round(stage.level('rows') * random.between(0.9, 1.1)));
      session.guilty(QUERY, { records, channel });
      session.wait(8_000, 0.5);
      session.guilty(EXPORT, { records, channel, bytes: records * 1_500 });
      session.wait(40_000, 0.6);
    }
    session.close();
  },
};
