/**
 * The evidence of one hold as a file of its own: what was held, who decided what, the raw blocks in which that stands, the
 * detector and its table; signed by the node. Whoever has it needs no network and no word of ours to check it, see
 * `proof/verify-bundle.ts`.
 *
 * The signature is over the canonical JSON of `content`. Persons stand in it by name only if they are reviewers of this
 * hospital; the actor is a pseudonym.
 * @module
 */
import { createHash } from 'node:crypto';
import { canonicalJson, sha256Hex, type JsonObject } from '@bhschain/dp';
import type { FabricIdentity } from '../fabric/identity.js';
import { BUNDLE_FORMAT, type EvidenceBundle } from '../proof/verify-bundle.js';
import type { HoldDetail, ReviewStore } from './review-store.js';

export interface BundleOptions {
  readonly review: ReviewStore;
  readonly readBlock: (blockNumber: string) => Promise<Uint8Array>;
  /** Of the node, not of a person. */
  readonly identity: FabricIdentity;
  readonly txId: string;
  readonly by: string;
  readonly nowMs: number;
}

/** @throws {ReviewError} `ERR_HOLD_UNKNOWN`, and what the ledger's edge throws */
export async function makeBundle(o: BundleOptions): Promise<EvidenceBundle> {
  const hold = await o.review.detail(o.txId);
  const numbers = [...new Set([hold.proof.block, ...hold.history.map(({ block }) => block)])];
  const blocks: Record<string, string> = {};
  for (const number of numbers) blocks[number] = base64(await o.readBlock(number));
  const blobs: Record<string, string> = {};
  for (const hash of [hold.proof.modelHash, hold.proof.tableHash]) {
    const bytes = hash === null ? null : await o.review.detectorBlob(hash);
    if (hash !== null && bytes !== null) blobs[hash] = base64(bytes);
  }
  const content: EvidenceBundle['content'] = {
    format: BUNDLE_FORMAT,
    madeAt: new Date(o.nowMs).toISOString(),
    madeBy: o.by,
    certificate: o.identity.certificatePem,
    claim: {
      id: hold.id,
      txId: hold.txId,
      kind: hold.kind,
      cause: hold.cause,
      scoreMillionths: hold.scoreMillionths,
      function: hold.function,
      actor: hold.actor,
      mspId: hold.mspId,
      state: hold.state,
      finding: hold.finding,
      proof: {
        block: hold.proof.block,
        blockHash: hold.proof.blockHash,
        position: hold.proof.position,
        endorsers: hold.proof.endorsers,
        modelHash: hold.proof.modelHash,
        tableHash: hold.proof.tableHash,
      },
    },
    history: hold.history.map((step) => ({
      version: step.version,
      step: step.step,
      by: step.by.actorId,
      name: step.by.name,
      mspId: step.mspId,
      at: new Date(step.atMs).toISOString(),
      to: step.to,
      txId: step.txId,
      block: step.block,
      reason: step.reason,
    })),
    blocks,
    blobs,
  };
  const bytes = Buffer.from(canonicalJson(content as unknown as JsonObject));
  const signature = await o.identity.sign(createHash('sha256').update(bytes).digest());
  return {
    content,
    contentSha256: sha256Hex(bytes),
    signature: base64(signature),
  };
}

/** The same for a person to read: one page without script, styles inside, everything that came from outside escaped. */
export function bundlePage(bundle: EvidenceBundle, hold: HoldDetail): string {
  const { claim, history, madeAt, madeBy } = bundle.content;
  const row = (name: string, value: string): string =>
    `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`;
  const score =
    claim.scoreMillionths === null
      ? 'no detector judged it'
      : `${claim.scoreMillionths} millionths`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evidence ${escaped(claim.id)}</title></head><body>
<h1>Evidence of hold ${escaped(claim.id)}</h1>
<p>Made ${escaped(madeAt)} by ${escaped(madeBy)}. This page is for reading; the file of the same name is what
<code>bhs-node evidence verify</code> checks. SHA-256 of its content: <code>${escaped(bundle.contentSha256)}</code></p>
<table><caption>What was held</caption>
${row('Transaction', claim.txId)}${row('Call', claim.function)}${row('Actor', `${claim.actor}, ${claim.mspId}`)}
${row('Cause', claim.cause)}${row('Score', score)}${row('State', claim.state)}${row('Finding', claim.finding ?? 'none')}
${row('Block', `${claim.proof.block}, ${claim.proof.blockHash}`)}${row('Endorsed by', claim.proof.endorsers.join(', '))}
${row('Detector', claim.proof.modelHash ?? 'none')}${row('Table', claim.proof.tableHash ?? 'none')}
</table>
<h2>Why</h2>
<ul>${(hold.evidence?.sentences ?? []).map((each) => `<li>${escaped(each)}</li>`).join('\n')}</ul>
<h2>Who did what</h2>
<ol>${history
    .map(
      (step) =>
        `<li>${escaped(step.at)}: ${escaped(step.name)} (${escaped(step.mspId)}) ${escaped(step.step)} → ${escaped(step.to)}, transaction <code>${escaped(step.txId)}</code> in block ${escaped(step.block)}${step.reason === null ? '' : `<blockquote>${escaped(step.reason)}</blockquote>`}</li>`,
    )
    .join('\n')}</ol>
</body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
