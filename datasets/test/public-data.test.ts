/** Against the published facts of each set; skipped where the data is not at hand. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  injectUserSwitch,
  loadAdfa,
  loadBpic2011,
  loadHdfs,
  loadLanl,
  loadSepsis,
  partition,
  publicDatasheet,
  publicDatasheetMarkdown,
  type LabelledSession,
} from '../src/index.js';

const dataDir = process.env['BHS_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const absent = !existsSync(join(dataDir, 'hdfs_sessions'));

function classesOf(sessions: readonly LabelledSession[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label } of sessions) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

describe.skipIf(absent)('public data (set BHS_DATA to its folder)', () => {
  it('reads HDFS', async () => {
    const { train, test, skewKeyOf } = await loadHdfs(dataDir);
    expect(classesOf(train)).toEqual({ normal: 4_855 });
    expect(classesOf(test)).toEqual({ normal: 1_000, '1': 1_000 });
    expect(new Set(train.flatMap((session) => session.events)).size).toBe(14);
    const verbatim = new Set(train.map((session) => session.events.join(' ')));
    const known = test.filter(
      (session) => session.normal && verbatim.has(session.events.join(' ')),
    );
    expect(known.length / 1_000).toBeCloseTo(0.89, 2);
    const nodes = partition(train, { nodes: 8, seed: 1, by: 'sorted', keyOf: skewKeyOf });
    expect(
      Math.max(...nodes.map((n) => n.length)) - Math.min(...nodes.map((n) => n.length)),
    ).toBeLessThan(2);
    expect((await loadHdfs(dataDir, { extra: true })).test.length).toBe(2_000 + 8_419);
  });

  it('reads ADFA-LD', async () => {
    const { train, test } = await loadAdfa(dataDir);
    expect(classesOf(train)).toEqual({ normal: 833 });
    expect(classesOf(test)).toEqual({ normal: 2_186, Adduser: 91, Hydra_FTP: 162, Hydra_SSH: 176 });
    const lengths = train.map((session) => session.events.length).sort((a, b) => a - b);
    expect([lengths[0], lengths[416], lengths[832]]).toEqual([79, 201, 2_948]);
  });

  it('says on a datasheet what it counted', async () => {
    const adfa = publicDatasheet('adfa', await loadAdfa(dataDir));
    expect(adfa.counts).toMatchObject({
      'sessions to train, all normal': 833,
      'sessions to test, Adduser': 91,
    });
    const sepsis = publicDatasheet('sepsis', await loadSepsis(dataDir));
    expect(sepsis.counts).toEqual({ events: 15_214, actors: 26, acts: 16 });
    expect(publicDatasheetMarkdown(sepsis)).toContain('| events | 15214 |');
  });

  it('reads LANL in three slices, with pairs to switch', async () => {
    const { rows, borders } = await loadLanl(dataDir);
    expect(rows.length).toBe(15_000);
    expect(new Set(rows.map((row) => row.actor)).size).toBe(964);
    expect(new Set(rows.map((row) => Math.floor(row.time / 86_400))).size).toBe(3);
    const switched = injectUserSwitch(rows, {
      seed: 1,
      borders: borders!,
      windowActs: 10,
      profileWindowsLeast: 1,
      cosine: [0.05, 0.9],
    });
    expect(switched.pairs.length).toBeGreaterThan(5);
  });

  it('reads BPIC 2011 and Sepsis in the order of their days', async () => {
    const bpic = await loadBpic2011(dataDir);
    expect(new Set(bpic.rows.map((row) => row.act)).size).toBeGreaterThan(600);
    const any = injectUserSwitch(bpic.rows, { seed: 1 });
    expect(new Set(any.pairs.flatMap((pair) => pair.actors)).size).toBe(14);
    expect(any.pairs.filter((pair) => pair.cosine >= 0.05).length).toBe(5);
    const sepsis = await loadSepsis(dataDir);
    const similar = injectUserSwitch(sepsis.rows, {
      seed: 1,
      profileWindowsLeast: 3,
      cosine: [0.5, 1],
    });
    expect(similar.pairs.length).toBe(4);
    for (const { rows } of [bpic, sepsis]) {
      expect(rows.every((row, i) => i === 0 || row.time >= rows[i - 1]!.time)).toBe(true);
    }
  });
});
