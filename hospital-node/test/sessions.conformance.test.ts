/** Sessions end by time alone, and what they kept in memory ends with them. */
import { expect, it } from 'vitest';
import { createSessions, type Newcomer } from '../src/review/sessions.js';
import { onEachEngine } from './engines.js';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

onEachEngine((engine) => {
  it('are forgotten half an hour after their last use, with what the provider gave', async () => {
    const sessions = createSessions(await engine.database());
    const newcomer = (name: string): Newcomer => ({
      ...{ name, role: 'analyst', method: 'oidc', identity: null, provenAtMs: START_MS },
      idToken: `token of ${name}`,
    });
    const left = await sessions.open(newcomer('ana'), START_MS);
    const used = await sessions.open(newcomer('ben'), START_MS);
    await sessions.find(used.id, START_MS + 20 * MINUTE_MS);
    await sessions.sweep(START_MS + 29 * MINUTE_MS);
    expect([left, used].map(({ id }) => sessions.idTokenOf(id))).toEqual([
      'token of ana',
      'token of ben',
    ]);
    await sessions.sweep(START_MS + 31 * MINUTE_MS);
    expect([left, used].map(({ id }) => sessions.idTokenOf(id))).toEqual([null, 'token of ben']);
    const nowMs = START_MS + 31 * MINUTE_MS;
    const open = await sessions.list({ of: null, id: used.id, nowMs });
    expect(open.map(({ name }) => name)).toEqual(['ben']);
  });
});
