/**
 * Every judged call of the channel, scored again from what lies on the channel: the ring in its write set, the detector
 * that was active when it committed, the same kernel.
 * @module
 */
import { createScorer, decodeDetector, decodeTable, type Scorer } from '@bhschain/models/detector';
import {
  PEERLESS_MASK,
  TIMELESS_MASK,
  decodeCallContext,
  decodeRing,
} from '@bhschain/models/features';
import { decodeQuarantineRecord, type QuarantineRecord } from '@bhschain/chaincode-hooks/events';
import type { CommittedCall, LedgerView } from './ledger-view.js';

export interface ScoredCall {
  readonly transaction: CommittedCall;
  readonly disposition: 'allowed' | 'quarantined' | 'flagged' | 'denied';
  /** Under the detector that was active, recomputed here; null if no detector judged the call. */
  readonly scoreMillionths: number | null;
  /** Under detector 0, recomputed here, for the baseline. */
  readonly scoreDetectorZero: number | null;
  /** What the ledger keeps, for calls that were diverted or flagged. */
  readonly record: QuarantineRecord | null;
}

/** The pointer's bytes ring values end with: eight of the code hash. */
const CODE_HASH_BYTES = 8;

/** All guarded calls in commit order, each scored again. */
export function scoreAgain(view: LedgerView): ScoredCall[] {
  const blobs = new Map<string, Uint8Array>();
  const scorers = new Map<string, Scorer>();
  let active: Scorer | null = null;
  let zero: Scorer | null = null;
  let vocabularyHash: string | null = null;
  const calls: ScoredCall[] = [];
  for (const transaction of view.valid) {
    if (transaction.guard?.kind === 'access') {
      calls.push(scoreOne(transaction, { active, zero, vocabularyHash }));
    }
    // Writes of this transaction hold for the next one.
    for (const write of transaction.writes) {
      const [type = '', name = '', hash = ''] = write.key;
      if (type === 'det' && name === 'blob') blobs.set(hash, write.value);
      if (type === 'fed' && name === 'config') {
        const config = JSON.parse(Buffer.from(write.value).toString('utf8')) as {
          vocabulary: { hash: string } | null;
        };
        vocabularyHash = config.vocabulary?.hash ?? null;
      }
      if (type === 'det' && name === 'active' && !write.isDelete) {
        const pointer = JSON.parse(Buffer.from(write.value).toString('utf8')) as {
          version: number;
          modelHash: string;
          tableHash: string;
        };
        const name = `${pointer.modelHash} ${pointer.tableHash}`;
        active = scorers.get(name) ?? null;
        if (active === null) {
          const model = blobs.get(pointer.modelHash);
          const table = blobs.get(pointer.tableHash);
          if (model === undefined || table === undefined) continue;
          active = createScorer(decodeDetector(model), decodeTable(table));
          scorers.set(name, active);
        }
        zero ??= active;
      }
    }
  }
  return calls;
}

function scoreOne(
  transaction: CommittedCall,
  o: { active: Scorer | null; zero: Scorer | null; vocabularyHash: string | null },
): ScoredCall {
  const guard = transaction.guard!;
  const recordWrite = transaction.writes.find(
    (write) => write.key[0] === 'q' || write.key[0] === 'rev' || write.key[0] === 'shd',
  );
  const record = recordWrite === undefined ? null : decodeQuarantineRecord(recordWrite.value);
  const base = { transaction, disposition: guard.disposition, record };
  const ringWrite = transaction.writes.find((write) => write.key[0] === 'ctx');
  if (!guard.scored || ringWrite === undefined || o.active === null) {
    return { ...base, scoreMillionths: null, scoreDetectorZero: null };
  }
  const ring = decodeRing(ringWrite.value.subarray(0, ringWrite.value.length - CODE_HASH_BYTES));
  const context = decodeCallContext(transaction.args.at(-1) ?? '');
  const maskFor = (scorer: Scorer): number =>
    (context.timeGranularity === 'exact' ? 0 : TIMELESS_MASK) |
    (context.code === null ||
    (o.vocabularyHash !== null && scorer.detector.vocabulary?.hash === o.vocabularyHash)
      ? 0
      : PEERLESS_MASK);
  const rows = ring.rows.map((row) => row.columns);
  const scoreWith = (scorer: Scorer): number =>
    scorer.score({ rows, mask: maskFor(scorer) }).scoreMillionths;
  return {
    ...base,
    scoreMillionths: scoreWith(o.active),
    scoreDetectorZero: o.zero === null ? null : scoreWith(o.zero),
  };
}
