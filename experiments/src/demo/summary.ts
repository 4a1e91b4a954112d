/** The demo's last word: for a program one object, for a person a page. @module */
import type { RuntimeFigures } from './runtime-figures.js';
import type { LedgerKind } from './state-directory.js';
import type { VerifyReport } from '../verify/index.js';

export interface Summary {
  readonly ok: boolean;
  readonly hops: VerifyReport['hops'];
  /** `simulated`, or the real log's file name. */
  readonly source: string;
  readonly ledger: LedgerKind;
  readonly rounds: number;
  /** Hospitals whose update is in at least one sealed round. */
  readonly participants: number;
  readonly epsilonPerRound: number | null;
  readonly delta: number | null;
  readonly unit: string | null;
  /** ε of an actor who was active in every round so far. */
  readonly actorEpsilonSoFar: number | null;
  readonly noiseMultiplier: number | null;
  readonly accountant: string | null;
  readonly detector: { readonly version: number; readonly hash: string } | null;
  readonly transactions: {
    readonly scored: number;
    readonly quarantined: number;
    readonly unscored: number;
  };
  readonly incidents: { readonly planted: number; readonly found: number };
  readonly baselineDetector0: {
    readonly found: number;
    readonly falseQuarantinesPer1000: number | null;
  };
  readonly falseQuarantinesPer1000: number | null;
  readonly alertBudgetPer1000: number | null;
  readonly scoreLatencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly firstQuarantineMs: number | null;
  readonly residentMb: number | null;
  readonly stateDir: string;
  readonly notes: readonly string[];
}

export function summarise(
  report: VerifyReport,
  figures: RuntimeFigures | null,
  stateDir: string,
): Summary {
  const { detection, record, rounds } = report;
  const privacy = rounds.at(-1)?.manifest.privacy;
  const contributors = new Set(
    rounds.flatMap(({ manifest }) =>
      manifest.contributions
        .filter((each) => each.verdict === 'accepted')
        .map((each) => each.nodeId),
    ),
  );
  return {
    ok: report.ok,
    hops: report.hops,
    source: record.source.kind === 'simulated' ? 'simulated' : record.source.file,
    ledger: record.ledger,
    rounds: rounds.length,
    participants: contributors.size,
    epsilonPerRound: report.privacy === null ? null : round(report.privacy.epsilonPerRound, 6),
    delta: report.privacy?.delta ?? null,
    unit: privacy?.unit ?? null,
    actorEpsilonSoFar: report.privacy === null ? null : round(report.privacy.actorEpsilonSoFar, 4),
    noiseMultiplier: report.privacy?.noiseMultiplier ?? null,
    accountant: privacy?.accountant ?? null,
    detector: report.detector,
    transactions: {
      scored: detection?.scored ?? 0,
      quarantined: detection?.quarantined ?? 0,
      unscored: detection?.unscored ?? 0,
    },
    incidents: {
      planted: detection?.incidentsPlanted ?? 0,
      found: detection?.incidentsFound ?? 0,
    },
    baselineDetector0: {
      found: detection?.baseline.found ?? 0,
      falseQuarantinesPer1000: detection?.baseline.falseQuarantinesPer1000 ?? null,
    },
    falseQuarantinesPer1000: detection?.falseQuarantinesPer1000 ?? null,
    alertBudgetPer1000: report.alertBudgetPer1000,
    scoreLatencyMs: figures?.scoreLatencyMs ?? null,
    firstQuarantineMs: figures?.firstQuarantineMs ?? null,
    residentMb: figures?.residentMb ?? null,
    stateDir,
    notes: record.notes,
  };
}

/** The same for people: every claim with its figures, then what it amounts to. */
export function pageOf(summary: Summary, report: VerifyReport): string {
  const lines: string[] = ['', 'What lies on disk, checked by a separate reader'];
  for (const [hop, holds] of Object.entries(report.hops)) {
    lines.push(`  ${holds ? 'PASS' : 'FAIL'}  ${hop}`);
    for (const claim of report.claims.filter((each) => each.hop === hop)) {
      lines.push(`        ${claim.ok ? '✓' : '✗'} ${claim.claim}`, `          ${claim.detail}`);
    }
  }
  const per1000 = (value: number | null): string => (value === null ? 'n/a' : value.toFixed(1));
  lines.push(
    '',
    'Summary',
    `  privacy      ε ${String(summary.epsilonPerRound)} at δ ${String(summary.delta)} per ${summary.unit ?? '?'} and round (noise multiplier ${String(summary.noiseMultiplier)}, ${summary.accountant ?? '?'}); an actor active in all ${summary.rounds} rounds: ε ${String(summary.actorEpsilonSoFar)}`,
    `  detector     version ${String(summary.detector?.version)} ${summary.detector?.hash.slice(0, 16) ?? ''}…, θ 0.87 ≈ ${per1000(summary.alertBudgetPer1000)} holds per 1,000 guarded transactions`,
    `  transactions ${summary.transactions.scored} scored, ${summary.transactions.quarantined} quarantined, ${summary.transactions.unscored} not scored`,
    `  incidents    ${summary.incidents.found} of ${summary.incidents.planted} found, ${per1000(summary.falseQuarantinesPer1000)} false quarantines per 1,000 (detector 0 alone: ${summary.baselineDetector0.found} found, ${per1000(summary.baselineDetector0.falseQuarantinesPer1000)} per 1,000)`,
  );
  if (summary.scoreLatencyMs !== null) {
    lines.push(
      `  speed        score p50 ${summary.scoreLatencyMs.p50} ms, p99 ${summary.scoreLatencyMs.p99} ms inside the chaincode; first quarantine after ${((summary.firstQuarantineMs ?? 0) / 1000).toFixed(1)} s; ${String(summary.residentMb)} MiB resident`,
    );
  }
  for (const note of summary.notes) lines.push(`  note         ${note}`);
  lines.push(`  files        ${summary.stateDir}  (remove the folder to start afresh)`, '');
  lines.push(summary.ok ? 'Every hop holds.' : 'Some hops do not hold; see FAIL above.', '');
  return lines.join('\n');
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
