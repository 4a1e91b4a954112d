/**
 * One vote on the channel, step by step: the orchestrator makes the transaction, this page compares its bytes with the call
 * that the person chose, and signs.
 * @module
 */
import { askAs } from './operator.js';
import { bytesOf, signBytes, type SigningKey } from './signature.js';
import { callIn, type TransactionStep } from './transaction-bytes.js';

export interface Vote {
  readonly kind: 'vote-roll-back' | 'roll-back' | 'vote-withdraw' | 'withdraw' | 'approve-plan';
  /** A detector's version, or the plan's hash. */
  readonly about: string;
}

interface Step {
  readonly voteId: string;
  readonly transactionId: string;
  readonly step: TransactionStep | 'committed';
  /** Base64. */
  readonly message: string;
}

/** @throws {Error} a sentence: a refusal, or bytes that say something else */
export async function castVote(
  vote: Vote,
  signer: Readonly<{ reason: string; certificate: string; key: SigningKey }>,
): Promise<Readonly<{ transactionId: string; call: readonly string[] }>> {
  const { reason, certificate, key } = signer;
  const call = await callOf(vote, reason);
  const first = await askAs<Step>('/votes', { ...vote, reason, certificate });
  let now = first;
  while (now.step !== 'committed') {
    const message = bytesOf(now.message);
    const { transactionId, args } = callIn(now.step, message);
    const same = now.step === 'commit' || JSON.stringify(args) === JSON.stringify(call);
    if (!same || transactionId !== first.transactionId) {
      throw new Error(
        `You were asked to sign something else (${args.join(' ')}); nothing was signed.`,
      );
    }
    const signature = await signBytes(message, key);
    now = await askAs<Step>(`/votes/${first.voteId}/signatures`, { signature });
  }
  return { transactionId: first.transactionId, call };
}

/** Function and arguments, formed here and not believed from anybody. */
async function callOf({ kind, about }: Vote, reason: string): Promise<readonly string[]> {
  switch (kind) {
    case 'vote-roll-back':
      return ['DetectorContract:vote', 'rollBack', about, await digestOf(reason)];
    case 'vote-withdraw':
      return ['DetectorContract:vote', 'withdraw', about, await digestOf(reason)];
    case 'roll-back':
      return ['DetectorContract:rollBack', about];
    case 'withdraw':
      return ['DetectorContract:withdraw', about];
    case 'approve-plan':
      return ['FederationContract:approvePlan', about];
  }
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
