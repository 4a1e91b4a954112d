/**
 * The results table of the README, from the result files. A test compares the two, so that no figure stands there that no
 * file backs.
 * @module
 */

interface KindResult {
  readonly difficulty: number;
  readonly recall: number;
  readonly found: number;
  readonly incidents: number;
}

interface WorldResult {
  readonly worlds: string;
  readonly benignCalls: number;
  readonly heldPer1000: number;
  readonly kinds: readonly KindResult[];
  readonly arms: readonly { readonly arm: string; readonly auc: number; readonly recall: number }[];
}

export interface DetectorZeroResult {
  readonly command: string;
  readonly reports: readonly WorldResult[];
}

/** Markdown: one row a kind of world, detector 0 first, its controls beside it. */
export function resultsTable(result: DetectorZeroResult): string {
  const arms = result.reports[0]?.arms.map((each) => each.arm) ?? [];
  const header = [
    'worlds',
    'incidents found',
    'benign calls held per 1,000',
    ...arms.map((arm) => `${arm}: AUC / recall at 3.2 %`),
  ];
  const rows = result.reports.map((world) => {
    const incidents = world.kinds.reduce((sum, kind) => sum + kind.incidents, 0);
    const found = world.kinds.reduce(
      (sum, kind) => sum + Math.round(kind.found * kind.incidents),
      0,
    );
    return [
      world.worlds,
      `${found} of ${incidents}`,
      `${world.heldPer1000.toFixed(1)} (${world.benignCalls.toLocaleString('en')} calls)`,
      ...world.arms.map((arm) => `${digits(arm.auc)} / ${digits(arm.recall)}`),
    ];
  });
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function digits(value: number): string {
  return value.toFixed(3).replace(/^0/, '');
}
