/**
 * What must hold after a run, whatever went wrong in it. Read from disk after all processes have stopped; the rounds are
 * proved by the orchestrator's own command line, the ledgers are read as any auditor would.
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { verifyLedger, type LedgerRecord } from '@bhschain/dp';
import { moduleOf } from '../demo/configuration.js';

const run = promisify(execFile);

export interface Verdict {
  readonly sealed: number;
  readonly skipped: number;
  readonly aborted: number;
  /** Debits over all nodes. */
  readonly debits: number;
  /** Sentences about what does not hold; empty is what we want. */
  readonly broken: readonly string[];
}

interface RoundLine {
  readonly slotIndex: number;
  readonly attempt: number;
  readonly phase: string;
  readonly accepted: readonly string[];
}

interface Checked {
  readonly round: string;
  readonly checks: readonly {
    readonly check: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
}

export async function judge(
  o: Readonly<{
    orchestratorConfig: string;
    nodes: readonly string[];
    ledgerFile: (nodeId: string) => string;
  }>,
): Promise<Verdict> {
  const broken: string[] = [];
  const ask = async <T>(...args: string[]): Promise<T> => {
    const cli = join(moduleOf('orchestrator', '..'), 'bin', 'bhs-orchestrator.js');
    const options = { maxBuffer: 1 << 26 };
    const all = [cli, ...args, '--json', '--config', o.orchestratorConfig];
    const { stdout } = await run(process.execPath, all, options);
    return JSON.parse(stdout) as T;
  };
  const rounds = await ask<readonly RoundLine[]>('rounds', '--limit', '1000');
  const sealed = rounds.filter((each) => each.phase === 'sealed');
  const slots = sealed.map((each) => each.slotIndex);
  if (new Set(slots).size !== slots.length) broken.push('a slot was sealed twice');
  if (sealed.length > 0) {
    try {
      const proofs = await ask<readonly Checked[]>('verify-round', 'all');
      if (proofs.length !== sealed.length) broken.push('a sealed round has no manifest');
    } catch (cause) {
      broken.push(`a sealed round does not check: ${outputOf(cause)}`);
    }
  }
  await ask('audit').catch((cause: unknown) => {
    broken.push(`the audit log does not check: ${outputOf(cause)}`);
  });
  let debits = 0;
  for (const nodeId of o.nodes) {
    const records = existsSync(o.ledgerFile(nodeId))
      ? verifyLedger(readFileSync(o.ledgerFile(nodeId), 'utf8')).records
      : [];
    const found = judgeLedger(nodeId, records, sealed);
    debits += found.debits;
    broken.push(...found.broken);
  }
  const count = (phase: string): number => rounds.filter((each) => each.phase === phase).length;
  return {
    sealed: sealed.length,
    skipped: count('skipped'),
    aborted: count('aborted'),
    debits,
    broken,
  };
}

/** One debit an interval, one release a debit, and what a round counted was released here before. */
function judgeLedger(
  nodeId: string,
  records: readonly LedgerRecord[],
  sealed: readonly RoundLine[],
): Readonly<{ debits: number; broken: readonly string[] }> {
  const broken: string[] = [];
  const of = (kind: LedgerRecord['kind']): readonly LedgerRecord[] =>
    records.filter((each) => each.kind === kind);
  const intervals = of('debited').map((each) => JSON.stringify(each.body['interval']));
  if (new Set(intervals).size !== intervals.length) {
    broken.push(`${nodeId} spent an interval twice`);
  }
  const releases = of('released').map((each) => releaseOf(each));
  if (new Set(releases).size !== releases.length) {
    broken.push(`${nodeId} released twice under one debit`);
  }
  const debited = new Map(
    of('debited').map((each) => {
      const roundId = each.body['roundId'] as Readonly<{ slotIndex: number }>;
      return [roundId.slotIndex, releaseOf(each)];
    }),
  );
  for (const round of sealed) {
    if (!round.accepted.includes(nodeId)) continue;
    const release = debited.get(round.slotIndex);
    if (release === undefined || !releases.includes(release)) {
      broken.push(`slot ${round.slotIndex} counts ${nodeId}, which released nothing for it`);
    }
  }
  const lost = of('settled').filter((each) => each.body['alarm'] === true);
  if (lost.length > 0) broken.push(`${nodeId} saw an accepted update that was not counted`);
  return { debits: intervals.length, broken };
}

function releaseOf(record: LedgerRecord): string {
  const { release } = record.body;
  return typeof release === 'string' ? release : '';
}

function outputOf(cause: unknown): string {
  const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
  const failed = (stdout ?? '').match(/"ok":false[^}]*/g)?.join(' ') ?? '';
  return `${failed} ${stderr ?? String(cause)}`.trim().slice(0, 600);
}
