/** What a step of the schema does to rows that are there: a reported call of before comes to stand at its own time. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { openNodeDatabase, rowsOf } from '../src/store/index.js';
import { MIGRATIONS } from '../src/store/migrations.js';
import { onEachEngine } from './engines.js';

const CALLED_MS = 1_000;
const REPORTED_MS = 9_000;

onEachEngine((engine) => {
  it('a report that was filed at its own time moves to that of its call, with its label; all else stays', async () => {
    const place = await engine.place();
    const step = MIGRATIONS.findIndex(({ name }) => name === 'review-9-reported-time');
    const before = await openNodeDatabase({ ...place, migrations: MIGRATIONS.slice(0, step) });
    for (const [position, tx] of ['by the log', 'by the proposal', 'held'].entries()) {
      await sql`INSERT INTO ledger_transaction
          (block, position, tx_id, code, function, msp_id, actor, timestamp_ms)
        VALUES (7, ${position}, ${tx}, 0, 'f', 'H1MSP', 'a', ${CALLED_MS + position})`.execute(
        before,
      );
    }
    await sql`INSERT INTO guarded_call
        (place, actor, role, ward, function, at_ms, filed_ms, score, alpha_ppm, held)
      VALUES (7000000, 'a', 'nurse', 'w', 'f', 500, 1, NULL, NULL, 0)`.execute(before);
    const holds = ['by the log', 'by the proposal', 'held', 'of no known call'];
    for (const [number, tx] of holds.entries()) {
      await sql`INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, state,
          version, deadline_ms, at_ms, filed_ms, record, block, position, block_hash, endorsers)
        VALUES (${tx}, 'review', ${number}, 'H1MSP', 'a', 'nurse', 'w', 'f', '[]',
          ${tx === 'held' ? 'break-glass' : 'second-line'}, 'open', 1, 1, ${REPORTED_MS}, 1, '{}', 8, 0, '', '[]')`.execute(
        before,
      );
      await sql`INSERT INTO label (hold, msp_id, actor, at_ms, state, finding)
        VALUES (${tx}, 'H1MSP', 'a', ${REPORTED_MS}, 'pending', 'undetermined')`.execute(before);
    }
    await before.destroy();

    const after = await openNodeDatabase(place);
    const found = await rowsOf(
      after,
      sql<{ tx: string; hold: number; label: number }>`
        SELECT h.tx_id AS tx, h.at_ms AS hold, l.at_ms AS label
        FROM hold h JOIN label l ON l.hold = h.tx_id ORDER BY h.number`,
    );
    expect(found.map(({ tx, hold, label }) => [tx, hold, label])).toEqual([
      ['by the log', 500, 500],
      ['by the proposal', CALLED_MS + 1, CALLED_MS + 1],
      ['held', REPORTED_MS, REPORTED_MS],
      ['of no known call', REPORTED_MS, REPORTED_MS],
    ]);
    await after.destroy();
  });
});
