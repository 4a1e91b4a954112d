/** What the blocks on disk prove about ledger, detector, scoring and review. @module */
import { createHash } from 'node:crypto';
import { sha256Hex } from '@bhschain/dp';
import { decodeTable, encodeTable, federatedTable } from '@bhschain/models/detector';
import { FUNCTION_POLICY } from '@bhschain/models/features';
import type { Claims } from './claims.js';
import type { SealedRound } from './federation-claims.js';
import type { LedgerView } from './ledger-view.js';
import type { ScoredCall } from './scored-calls.js';

const THETA = 870_000;

export interface ChannelRules {
  /** Attestations and endorsements needed: ⌊N/2⌋ + 1. */
  readonly majority: number;
  /** Detectors that must have been active: detector 0 and at least one federated. */
  readonly detectorsMin: number;
}

export function ledgerClaims(claims: Claims, view: LedgerView, rules: ChannelRules): void {
  claims.attempt('ledger', 'every valid transaction carries the endorsements of a majority', () => {
    const short = view.valid.filter(
      (transaction) => new Set(transaction.endorsers).size < rules.majority,
    );
    return {
      ok: view.valid.length > 0 && short.length === 0,
      detail: `${view.valid.length} valid transactions in ${view.blockCount} blocks, ${short.length} with fewer than ${rules.majority} endorsing hospitals; codes ${JSON.stringify(view.codes)}`,
    };
  });
}

export function detectorClaims(claims: Claims, view: LedgerView, rules: ChannelRules): void {
  const attested = new Map<number, Set<string>>();
  const activated: { version: number; modelHash: string; attestations: number; bound: boolean }[] =
    [];
  const blobs = new Map<string, Uint8Array>();
  for (const transaction of view.valid) {
    for (const write of transaction.writes) {
      const [type = '', name = '', first = '', second = ''] = write.key;
      if (type !== 'det' || write.isDelete) continue;
      if (name === 'blob') blobs.set(first, write.value);
      if (name === 'att') {
        const of = attested.get(Number(first)) ?? new Set<string>();
        // The key names the hospital; the transaction must be its own.
        if (transaction.creator.mspId === second) of.add(second);
        attested.set(Number(first), of);
      }
      if (name === 'active') {
        const pointer = JSON.parse(Buffer.from(write.value).toString('utf8')) as {
          version: number;
          modelHash: string;
          tableHash: string;
        };
        activated.push({
          version: pointer.version,
          modelHash: pointer.modelHash,
          attestations: attested.get(pointer.version)?.size ?? 0,
          bound: [pointer.modelHash, pointer.tableHash].every((hash) => {
            const bytes = blobs.get(hash);
            return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === hash;
          }),
        });
      }
    }
  }
  claims.add(
    'detector',
    'each active detector was attested by a majority before it was activated',
    activated.length >= rules.detectorsMin &&
      activated.every((each) => each.attestations >= rules.majority),
    `${activated.map((each) => `v${each.version}: ${each.attestations} attestations`).join(', ') || 'none activated'} (at least ${rules.detectorsMin} detectors, ${rules.majority} attestations each)`,
  );
  claims.add(
    'detector',
    'the hash in the pointer is the SHA-256 of the bytes on the channel',
    activated.length > 0 && activated.every((each) => each.bound),
    activated.map((each) => `v${each.version} ${each.modelHash.slice(0, 12)}…`).join(', '),
  );
}

/** A federated detector's table is a function of the public one and of what the hospitals released in its round. */
export function tableClaims(
  claims: Claims,
  view: LedgerView,
  rounds: readonly Pick<SealedRound, 'digest' | 'scoreHistogram'>[],
): void {
  claims.attempt(
    'detector',
    "each federated detector's table is the public one, moved as its round's histograms of scores say",
    () => {
      const entryOf = (version: number): ProposedEntry | null => {
        const bytes = view.state.get(`det~entry~${version}`);
        if (bytes === undefined) return null;
        return JSON.parse(Buffer.from(bytes).toString('utf8')) as ProposedEntry;
      };
      const publicHash = entryOf(0)?.tableHash ?? '';
      const publicBytes = view.state.get(`det~blob~${publicHash}`);
      if (publicBytes === undefined) return { ok: false, detail: 'no table of version 0' };
      const table = decodeTable(publicBytes);
      const said: string[] = [];
      let ok = true;
      for (let version = 1; ; version++) {
        const entry = entryOf(version);
        if (entry === null) break;
        const round = rounds.find(({ digest }) => digest === entry.provenance.manifestDigest);
        const shared = round?.scoreHistogram ?? null;
        const due = shared === null ? table : federatedTable(table, shared);
        const hash = due === table ? publicHash : sha256Hex(encodeTable(due));
        ok &&= round !== undefined && entry.tableHash === hash;
        said.push(
          `v${version} ${shared === null ? 'public' : due === table ? 'public, too few windows above the noise' : `α ${due.alphaPpm} ppm`}`,
        );
      }
      return { ok: ok && said.length > 0, detail: said.join(', ') };
    },
  );
}

/** Of `det~entry~<version>`, what is read here. */
interface ProposedEntry {
  readonly tableHash: string;
  readonly provenance: { readonly manifestDigest: string };
}

/** What the guard itself writes of a call that it diverts: record, index, ring (or epoch row), actor, audit row. */
const GUARD_KEYS: ReadonlySet<string> = new Set(['q', 'qi', 'ctx', 'evt', 'act', 'aud']);

export function scoringClaims(claims: Claims, calls: readonly ScoredCall[]): void {
  const judged = calls.filter((call) => call.scoreMillionths !== null);
  const recorded = judged.filter((call) => call.record?.score !== null && call.record !== null);
  const different = recorded.filter((call) => call.record?.score !== call.scoreMillionths);
  claims.add(
    'scoring',
    'every recorded score is recomputed to the same integer from the ring in the block and the detector on the channel',
    recorded.length > 0 && different.length === 0,
    `${recorded.length} recorded scores, ${different.length} different`,
  );
  const byScore = judged.filter((call) => call.record === null || call.record.cause === 'score');
  const wrong = byScore.filter(
    (call) =>
      FUNCTION_POLICY[call.transaction.function]?.class === 'enforce' &&
      !usedGrant(call) &&
      call.scoreMillionths! >= THETA !== (call.disposition === 'quarantined'),
  );
  claims.add(
    'scoring',
    'a judged call of class enforce was diverted exactly if its score is at least 870,000 millionths',
    judged.length > 0 && wrong.length === 0,
    `${judged.length} judged calls, ${wrong.length} against the rule`,
  );
  const diverted = calls.filter((call) => call.disposition === 'quarantined');
  const leaky = diverted.filter((call) =>
    call.transaction.writes.some((write) => !GUARD_KEYS.has(write.key[0] ?? '')),
  );
  claims.add(
    'scoring',
    'a diverted call left its record, and no write of the business function',
    diverted.length > 0 && leaky.length === 0,
    `${diverted.length} diverted, ${leaky.length} with other writes`,
  );
  const ran = calls.filter((call) => call.disposition !== 'quarantined');
  const silent = ran.filter(
    (call) => !call.transaction.writes.some((write) => write.key[0] === 'acc'),
  );
  claims.add(
    'scoring',
    'a call that was let through ran: its ticket is in the write set',
    ran.length > 0 && silent.length === 0,
    `${ran.length} ran, ${silent.length} without a ticket`,
  );
}

/** A call let through by a release deletes the grant it used. */
function usedGrant(call: ScoredCall): boolean {
  return call.transaction.writes.some((write) => write.key[0] === 'grant' && write.isDelete);
}

export function reviewClaims(claims: Claims, view: LedgerView, calls: readonly ScoredCall[]): void {
  const decided: { quarantine: string; proposer: string; approver: string; to: string }[] = [];
  const grants = new Map<string, { quarantine: string; uses: number }>();
  const proposers = new Map<string, string>();
  for (const transaction of view.valid) {
    const review = transaction.guard?.review;
    const by = transaction.creator.actor;
    if (review !== undefined) {
      if (review.to === 'proposed') proposers.set(review.quarantine, by);
      if (review.from === 'proposed' && (review.to === 'released' || review.to === 'rejected')) {
        decided.push({
          quarantine: review.quarantine,
          proposer: proposers.get(review.quarantine) ?? '',
          approver: by,
          to: review.to,
        });
      }
    }
    for (const write of transaction.writes) {
      if (write.key[0] !== 'grant') continue;
      const key = write.key.join('~');
      if (write.isDelete) {
        const grant = grants.get(key);
        if (grant !== undefined) grant.uses++;
      } else {
        const value = JSON.parse(Buffer.from(write.value).toString('utf8')) as {
          quarantine: string;
        };
        grants.set(key, { quarantine: value.quarantine, uses: 0 });
      }
    }
  }
  const onePerson = decided.filter(
    (each) => each.proposer === '' || each.proposer === each.approver,
  );
  claims.add(
    'review',
    'every decision was proposed and approved by two different people under their own keys',
    decided.length > 0 && onePerson.length === 0,
    `${decided.length} decisions (${decided.filter((each) => each.to === 'released').length} released), ${onePerson.length} by one person`,
  );
  const used = [...grants.values()].filter((grant) => grant.uses === 1);
  claims.add(
    'review',
    'a release wrote a grant, and the actor used it once',
    used.length > 0 && [...grants.values()].every((grant) => grant.uses <= 1),
    `${grants.size} grants written, ${used.length} used once`,
  );
  const spent = new Set(used.map((grant) => grant.quarantine));
  const second = calls.filter((call) => {
    const claimed = /(?:^|;)grant=([^;]+)/.exec(call.transaction.args.at(-1) ?? '')?.[1];
    return claimed !== undefined && spent.has(claimed) && !usedGrant(call);
  });
  claims.add(
    'review',
    'a second use of a spent grant was refused',
    second.length > 0 &&
      second.every(
        (call) => call.disposition === 'quarantined' && call.record?.cause === 'grant-invalid',
      ),
    `${second.length} second uses on the channel, all diverted with cause grant-invalid`,
  );
}
