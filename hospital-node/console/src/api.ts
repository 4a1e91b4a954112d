/**
 * What the page asks the node, and how a refusal comes back. Types follow `src/review/hold-view.ts` of the node.
 * @module
 */
export type State =
  'open' | 'claimed' | 'proposed' | 'released' | 'rejected' | 'escalated' | 'closed';
export type Step =
  'claim' | 'unclaim' | 'propose' | 'approve' | 'return' | 'escalate' | 'appeal' | 'close';
export type Action = 'release' | 'reject';

export interface Reviewer {
  readonly actorId: string;
  readonly name: string;
}

export interface Hold {
  readonly id: string;
  readonly txId: string;
  readonly kind: 'quarantine' | 'review';
  readonly mspId: string;
  readonly actor: string;
  readonly role: string;
  readonly ward: string;
  readonly function: string;
  readonly cause: string;
  readonly scoreMillionths: number | null;
  readonly topReason: string | null;
  readonly state: State;
  readonly version: number;
  readonly deadlineAt: string;
  readonly at: string;
  readonly filedAt: string;
  readonly holder: Reviewer | null;
  readonly proposer: Reviewer | null;
  readonly action: Action | null;
  readonly finding: string | null;
  readonly appealed: boolean;
  readonly mine: boolean;
  readonly can: readonly Step[];
}

export interface EvidenceStep {
  readonly index: number;
  readonly outcome: 'allowed' | 'denied' | 'diverted';
  readonly error: number;
  readonly values: readonly number[];
  readonly errors: readonly number[];
  readonly gapEighths: number | null;
}

export interface Evidence {
  /** `usualError`: of a normal window; 0 where no network measures. */
  readonly columns: readonly {
    readonly name: string;
    readonly unit: string;
    readonly usualError: number;
  }[];
  readonly steps: readonly EvidenceStep[];
  readonly reasons: readonly {
    readonly column: string;
    readonly unit: string;
    readonly share: number;
    readonly ratio: number;
    readonly scoreWithout: number;
    readonly value: number;
  }[];
  readonly against: readonly { readonly column: string; readonly share: number }[];
  readonly sentences: readonly string[];
  readonly theta: number;
  readonly alphaPpm: number;
  readonly score: number;
  readonly agrees: boolean;
  readonly ringDigest: string;
  readonly windowCount: number;
  readonly members: readonly {
    readonly name: string;
    readonly pValue: number;
    readonly share: number;
    readonly leads: boolean;
  }[];
  readonly family: string | null;
}

export interface HistoryStep {
  readonly version: number;
  readonly step: string;
  readonly by: Reviewer;
  readonly mspId: string;
  readonly at: string;
  readonly to: string;
  readonly txId: string;
  readonly block: string;
  readonly reason: string | null;
}

export interface SuppressionRule {
  readonly actor?: string;
  readonly role?: string;
  readonly ward?: string;
  readonly function?: string;
  readonly cause?: string;
  readonly topReason?: string;
  readonly scoreBelow?: number;
}

export interface SuppressionPreview {
  readonly matched: number;
  readonly findings: Readonly<Record<string, number>>;
  readonly confirmed: readonly string[];
  readonly confirmedCount: number;
  readonly openNow: number;
  readonly secondPersonBecause: readonly string[];
}

export interface Suppression {
  readonly id: number;
  readonly state: 'proposed' | 'active' | 'ended' | 'expired';
  readonly rule: SuppressionRule;
  readonly preview: SuppressionPreview;
  readonly reason: string;
  readonly owner: string;
  readonly approver: string | null;
  readonly expiresAt: string;
  readonly endedBy: string | null;
  readonly endedReason: string | null;
  readonly holding: number;
}

export interface Case {
  readonly id: number;
  readonly title: string;
  readonly status: 'open' | 'in-progress' | 'waiting' | 'closed';
  readonly assignee: string | null;
  readonly version: number;
  readonly openedBy: string;
  readonly holds: number;
  readonly undecided: number;
  readonly dueAt: string | null;
}

export interface HoldDetail extends Hold {
  readonly actorId: string;
  readonly deferredBy: readonly Suppression[];
  readonly inCase: Case | null;
  readonly arguments: readonly string[];
  readonly reason: string | null;
  readonly grantable: boolean;
  readonly grant: { readonly expiresAt: string; readonly usedBy: string | null } | null;
  readonly history: readonly HistoryStep[];
  readonly sameActor: readonly {
    readonly id: string;
    readonly txId: string;
    readonly function: string;
    readonly scoreMillionths: number | null;
    readonly state: State;
    readonly at: string;
  }[];
  readonly precedents: {
    readonly nearest: readonly {
      readonly id: string;
      readonly txId: string;
      readonly state: State;
      readonly finding: string | null;
      readonly at: string;
      readonly sharedReasons: readonly string[];
      readonly sameActor: boolean;
    }[];
    readonly findings: Readonly<Record<string, number>>;
    readonly lookedAt: number;
  };
  readonly evidence: Evidence | null;
  readonly evidenceMissing: string | null;
  readonly proof: {
    readonly block: string;
    readonly blockHash: string;
    readonly position: number;
    readonly endorsers: readonly string[];
    readonly modelVersion: number | null;
    readonly modelHash: string | null;
    readonly tableHash: string | null;
    readonly ringDigest: string;
    readonly ringAgrees: boolean | null;
    readonly codeHash: string;
    readonly callDigest: string;
  };
}

export interface Session {
  readonly hospital: string;
  readonly person: { readonly name: string; readonly role: string; readonly actor: string };
  readonly csrf: string;
  readonly canSign: boolean;
  /** Whether there is a key here to unlock. */
  readonly hasKey: boolean;
}

export interface Status {
  readonly hospital: string;
  readonly ledger: {
    readonly kind: string;
    readonly connected: boolean;
    readonly nextBlock: string;
    readonly lagBlocks: number | null;
    readonly lastBlockAt: string | null;
  };
  readonly review: {
    readonly byState: Readonly<Partial<Record<State, number>>>;
    readonly deferred: number;
    readonly breakGlass: number;
  };
  readonly [fact: string]: unknown;
}

/** What somebody else did meanwhile: a step of a hold, or a change of a case in its own words. */
export interface Change {
  readonly step: string;
  readonly by: Reviewer | string;
  readonly at: string;
  readonly text?: string;
}

/** A refusal of the node: `message` is its sentence. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly current: Partial<Pick<Hold, 'version' | 'state' | 'holder'>> | null;
  /** The steps that others took since. */
  readonly changed: readonly Change[];

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body['detail'] === 'string' ? body['detail'] : 'The node did not answer.');
    this.status = status;
    this.code = typeof body['code'] === 'string' ? body['code'] : 'ERR_NETWORK';
    this.changed = (body['changed'] as readonly Change[] | undefined) ?? [];
    this.current = (body['current'] as Problem['current'] | undefined) ?? null;
  }
}

/** Of one press of a button: sent again, it is the same step. `randomUUID` is missing on plain http. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

let csrf = '';

export function rememberSession(session: Session): Session {
  csrf = session.csrf;
  return session;
}

/** @throws {Problem} as `ask` does */
export async function askBytes(path: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`);
  } catch {
    throw new Problem(0, { detail: 'The node does not answer. Is it running?' });
  }
  if (!response.ok) {
    throw new Problem(response.status, (await response.json()) as Record<string, unknown>);
  }
  return new Uint8Array(await response.arrayBuffer());
}

export async function ask<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'x-csrf-token': csrf }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, { detail: 'The node does not answer. Is it running?' });
  }
  const text = await response.text();
  const value: unknown = text === '' ? {} : JSON.parse(text);
  if (!response.ok) throw new Problem(response.status, value as Record<string, unknown>);
  return value as T;
}
