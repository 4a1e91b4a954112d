/**
 * Checks an evidence file without any network: its signature, the five lines of the proof, and that two different people
 * decided, each under her own key.
 * @module
 */
import { canonicalJson, type JsonObject } from '@bhschain/dp';
import { readBlock } from './block.js';
import { hex, sha256, verifies } from './digest.js';
import { prove, type Claim } from './prove.js';

export const BUNDLE_FORMAT = 'bhs-evidence-1';

export interface EvidenceBundle {
  readonly content: {
    /** `bhs-evidence-1`. */
    readonly format: string;
    /** RFC 3339, UTC. */
    readonly madeAt: string;
    /** The privacy officer who saved it. */
    readonly madeBy: string;
    /** PEM of the node that signs; inside, so that nobody can exchange it. */
    readonly certificate: string;
    readonly claim: Claim & {
      /** The hold, as this hospital counts. */
      readonly id: string;
      /** What was called. */
      readonly function: string;
      /** The caller's pseudonym in this hospital. */
      readonly actor: string;
      /** Of the caller. */
      readonly mspId: string;
      /** Of the review. */
      readonly state: string;
      readonly finding: string | null;
    };
    readonly history: readonly {
      /** Of the record on the ledger, after the step. */
      readonly version: number;
      /** `file`, `claim`, `propose`, `approve` … */
      readonly step: string;
      /** Actor id. */
      readonly by: string;
      /** By which this hospital knows her. */
      readonly name: string;
      readonly mspId: string;
      /** RFC 3339, UTC; the time that the transaction states. */
      readonly at: string;
      /** State of the review after the step. */
      readonly to: string;
      /** The transaction that made the step. */
      readonly txId: string;
      /** Its block's number. */
      readonly block: string;
      /** What she wrote; the ledger has its digest only. */
      readonly reason: string | null;
    }[];
    /** Block number → bytes, base64. */
    readonly blocks: Readonly<Record<string, string>>;
    /** Hash → bytes of a detector or table, base64. */
    readonly blobs: Readonly<Record<string, string>>;
  };
  /** Of the canonical JSON of `content`, hex. */
  readonly contentSha256: string;
  /** DER, base64, over the SHA-256 of the canonical JSON of `content`. */
  readonly signature: string;
}

export interface BundleCheck {
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly found: string;
}

interface WrittenRecord {
  readonly version?: number;
  readonly state?: string;
  readonly proposal?: { readonly by?: string } | null;
}

/** One line a check; `fail` for whatever cannot be read. Never throws. */
export async function verifyBundle(text: string): Promise<readonly BundleCheck[]> {
  let bundle: EvidenceBundle;
  try {
    bundle = JSON.parse(text) as EvidenceBundle;
    if (bundle.content.format !== BUNDLE_FORMAT) throw new TypeError('another format');
  } catch {
    return [{ name: 'file', outcome: 'fail', found: `not an evidence file (${BUNDLE_FORMAT})` }];
  }
  const lines: BundleCheck[] = [];
  for (const check of [checkSignature, checkProof, checkDecision]) {
    try {
      lines.push(...(await check(bundle)));
    } catch (error) {
      const found = error instanceof Error ? error.message : 'it cannot be read';
      lines.push({ name: 'file', outcome: 'fail', found });
    }
  }
  return lines;
}

async function checkSignature(bundle: EvidenceBundle): Promise<readonly BundleCheck[]> {
  const bytes = new TextEncoder().encode(canonicalJson(bundle.content as unknown as JsonObject));
  const digest = hex(await sha256(bytes));
  const ok =
    digest === bundle.contentSha256 &&
    (await verifies({
      certificate: new TextEncoder().encode(bundle.content.certificate),
      signature: fromBase64(bundle.signature),
      bytes,
    }));
  return [
    ok
      ? {
          name: 'file',
          outcome: 'pass',
          found: `signed by the node; content ${digest.slice(0, 16)}…`,
        }
      : { name: 'file', outcome: 'fail', found: 'its content is not what the node signed' },
  ];
}

async function checkProof({ content }: EvidenceBundle): Promise<readonly BundleCheck[]> {
  return prove(content.claim, {
    block: () => Promise.resolve(blockOf(content, content.claim.proof.block)),
    blob: (hash) => Promise.resolve(fromBase64(content.blobs[hash] ?? '')),
  });
}

/** The steps stand in the blocks as the history tells them, and the approver is neither proposer nor actor. */
async function checkDecision({ content }: EvidenceBundle): Promise<readonly BundleCheck[]> {
  const { claim, history } = content;
  const key = `${claim.kind === 'quarantine' ? 'q' : 'rev'}~${claim.txId}`;
  const signers = new Map<string, string>();
  for (const step of history) {
    const fail = (found: string): readonly BundleCheck[] => [
      { name: 'decision', outcome: 'fail', found: `step ${step.version} (${step.step}): ${found}` },
    ];
    const block = await readBlock(blockOf(content, step.block));
    if (!block.dataAgrees) return fail('its block does not hash to its header');
    const transaction = await block.find(step.txId);
    if (transaction === null || transaction.code !== 0) return fail('no such valid transaction');
    if (transaction.recomputedTxId !== step.txId)
      return fail('its id does not follow from its creator');
    const written = transaction.writes.get(key);
    if (written === undefined) return fail('it did not write this record');
    const record = JSON.parse(new TextDecoder().decode(written)) as WrittenRecord;
    if (record.version !== step.version || record.state !== step.to) {
      return fail('the record says another version or state');
    }
    for (const signed of [transaction.creator, ...transaction.endorsements]) {
      if (!(await verifies(signed)))
        return fail(`the signature of ${signed.mspId} does not verify`);
    }
    signers.set(step.step, hex(await sha256(transaction.creator.certificate)));
  }
  const decided = history.findLast(({ step }) => step === 'approve');
  if (decided === undefined) {
    return [{ name: 'decision', outcome: 'skip', found: 'nobody has decided this hold yet' }];
  }
  const people = [signers.get('propose'), signers.get('approve'), signers.get('file')];
  const two = people[0] !== undefined && new Set(people).size === people.length;
  return [
    two
      ? {
          name: 'decision',
          outcome: 'pass',
          found: `${claim.state} by two people under two keys, neither of them the caller; ${history.length} steps found in their blocks`,
        }
      : {
          name: 'decision',
          outcome: 'fail',
          found: 'proposer, approver and caller are not three different keys',
        },
  ];
}

function blockOf(content: EvidenceBundle['content'], number: string): Uint8Array {
  const text = content.blocks[number];
  if (text === undefined) throw new RangeError(`block ${number} is not in the file`);
  return fromBase64(text);
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  // Two texts for the same bytes would be a change that nothing notices.
  if (btoa(binary) !== text) throw new RangeError('not canonical base64');
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
