/**
 * What the API answers, as shapes and nothing else: the node that gives them and the page that reads them import the same
 * ones. Times are RFC 3339, scores millionths, actors pseudonyms.
 * @module
 */

/** The ledger's own words; it has more to import than a page should. */
export type ReviewState =
  'open' | 'claimed' | 'proposed' | 'released' | 'rejected' | 'escalated' | 'closed';
export type Finding =
  | 'undetermined'
  | 'attack'
  | 'policy-breach'
  | 'accident'
  | 'benign-expected'
  | 'false-positive-model'
  | 'false-positive-data'
  | 'duplicate'
  | 'test';
export type Action = 'release' | 'reject';
export type Step =
  'claim' | 'unclaim' | 'propose' | 'approve' | 'return' | 'escalate' | 'appeal' | 'close';

/** A person of this hospital by name, anybody else by a short form of her ledger id. */
export interface Reviewer {
  readonly actorId: string;
  readonly name: string;
}

export interface Hold {
  /** Short and stable in this hospital: `H-12`. */
  readonly id: string;
  readonly txId: string;
  readonly kind: 'quarantine' | 'review';
  readonly mspId: string;
  readonly actor: string;
  readonly role: string;
  readonly ward: string;
  readonly function: string;
  readonly cause: string;
  /** Null if no detector judged. */
  readonly scoreMillionths: number | null;
  readonly topReason: string | null;
  readonly state: ReviewState;
  readonly version: number;
  readonly deadlineAt: string;
  readonly at: string;
  readonly filedAt: string;
  readonly holder: Reviewer | null;
  readonly proposer: Reviewer | null;
  readonly action: Action | null;
  readonly finding: Finding | null;
  readonly appealed: boolean;
  readonly mine: boolean;
  /** Which steps this person could take; it serves the screen only. */
  readonly can: readonly Step[];
}

export interface HoldPage {
  readonly items: readonly Hold[];
  /** Cursor of the next page; null behind the last one. */
  readonly next: string | null;
  /** Counted no further than 1,000, on the first page only. */
  readonly countUpTo: number | null;
}

export interface EvidenceStep {
  /** 0 is the oldest; the last one is the call itself. */
  readonly index: number;
  readonly outcome: 'allowed' | 'denied' | 'diverted';
  readonly error: number;
  /** One value per shown column, in its unit. */
  readonly values: readonly number[];
  /** Huber error per shown column. */
  readonly errors: readonly number[];
  /** 1/8 s since the step before; null: unknown. */
  readonly gapEighths: number | null;
}

export interface EvidenceReason {
  readonly column: string;
  readonly unit: string;
  readonly share: number;
  readonly ratio: number;
  /** What the score would be, were this column normal. */
  readonly scoreWithout: number;
  readonly value: number;
}

export interface EvidenceMember {
  readonly name: string;
  /** p-value of this member alone; 1 is an everyday window. */
  readonly pValue: number;
  /** Part of all evidence beyond that of everyday windows; they sum to 1, or are all 0. */
  readonly share: number;
  readonly leads: boolean;
}

export interface Evidence {
  /** `usualError`: the error that a normal window has in this column; 0 if no network measures it. */
  readonly columns: readonly {
    readonly name: string;
    readonly unit: string;
    readonly usualError: number;
  }[];
  readonly steps: readonly EvidenceStep[];
  readonly reasons: readonly EvidenceReason[];
  /** Columns whose values speak for an everyday window, the clearest first; their shares are negative. */
  readonly against: readonly { readonly column: string; readonly share: number }[];
  readonly sentences: readonly string[];
  readonly theta: number;
  readonly alphaPpm: number;
  /** Recomputed here, with the same kernel. */
  readonly score: number;
  /** It equals the score that the ledger keeps. */
  readonly agrees: boolean;
  readonly ringDigest: string;
  readonly windowCount: number;
  /** Who saw what: strongest first. */
  readonly members: readonly EvidenceMember[];
  /** The threat family whose network finds the window the strangest; null without networks. */
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
  /** If it was written in this hospital. */
  readonly reason: string | null;
}

export interface RelatedHold {
  readonly id: string;
  readonly txId: string;
  readonly function: string;
  readonly scoreMillionths: number | null;
  readonly state: ReviewState;
  readonly at: string;
}

export interface Precedent {
  readonly id: string;
  readonly txId: string;
  readonly state: ReviewState;
  readonly finding: Finding | null;
  readonly at: string;
  /** Columns that weighed most in both. */
  readonly sharedReasons: readonly string[];
  readonly sameActor: boolean;
}

export interface HoldProof {
  readonly txId: string;
  readonly block: string;
  readonly blockHash: string;
  readonly position: number;
  readonly endorsers: readonly string[];
  readonly modelVersion: number | null;
  readonly modelHash: string | null;
  readonly tableHash: string | null;
  readonly ringDigest: string;
  /** The ring in the block hashes to the digest in the record. */
  readonly ringAgrees: boolean | null;
  readonly codeHash: string;
  readonly callDigest: string;
}

export interface HoldDetail extends Hold {
  readonly actorId: string;
  readonly arguments: readonly string[];
  readonly reason: string | null;
  readonly reasonDigest: string | null;
  readonly grantable: boolean;
  readonly grant: { readonly expiresAt: string; readonly usedBy: string | null } | null;
  readonly history: readonly HistoryStep[];
  /** The actor's other holds, the latest first. */
  readonly sameActor: readonly RelatedHold[];
  readonly precedents: {
    /** The most alike, at most five. */
    readonly nearest: readonly Precedent[];
    /** Finding → how many of those that were looked at. */
    readonly findings: Readonly<Record<string, number>>;
    readonly lookedAt: number;
  };
  readonly evidence: Evidence | null;
  /** Why there is none. */
  readonly evidenceMissing: string | null;
  readonly proof: HoldProof;
  /** What this hospital has laid around it. */
  readonly deferredBy: readonly Suppression[];
  readonly inCase: Case | null;
}

/** All that is named must fit; at least one of them is. */
export interface SuppressionRule {
  /** Ledger id of the person. */
  readonly actor?: string;
  readonly role?: string;
  readonly ward?: string;
  /** Without the contract's name. */
  readonly function?: string;
  readonly cause?: string;
  /** The column that weighed most. */
  readonly topReason?: string;
  /** Millionths, exclusive: what scores higher is never deferred. */
  readonly scoreBelow?: number;
}

export interface SuppressionPreview {
  /** Holds of the last thirty days that the rule fits. */
  readonly matched: number;
  /** Their findings; undecided ones are `undetermined`. */
  readonly findings: Readonly<Record<string, number>>;
  /** Attacks and policy breaches among them: ids, at most 20. */
  readonly confirmed: readonly string[];
  readonly confirmedCount: number;
  /** Open now: these would move back at once. */
  readonly openNow: number;
}

export interface Suppression {
  readonly id: number;
  /** `expired` is `active` after its end. */
  readonly state: 'proposed' | 'active' | 'ended' | 'expired';
  readonly rule: SuppressionRule;
  /** As it was when it was proposed. */
  readonly preview: SuppressionPreview;
  readonly reason: string;
  readonly owner: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Somebody else than the owner; null until then. */
  readonly approver: string | null;
  readonly approvalReason: string | null;
  readonly endedBy: string | null;
  readonly endedReason: string | null;
  readonly endedAt: string | null;
  /** Open holds that it keeps at the back now. */
  readonly holding: number;
}

export interface Case {
  readonly id: number;
  readonly title: string;
  readonly status: 'open' | 'in-progress' | 'waiting' | 'closed';
  /** A person's name. */
  readonly assignee: string | null;
  readonly version: number;
  readonly openedBy: string;
  readonly openedAt: string;
  readonly holds: number;
  readonly undecided: number;
  /** Of its undecided holds; null if all are decided. */
  readonly dueAt: string | null;
}

export interface CaseDetail extends Case {
  readonly items: readonly Hold[];
  readonly history: readonly {
    readonly version: number;
    readonly at: string;
    readonly by: string;
    readonly what: 'opened' | 'added' | 'assigned' | 'status' | 'noted';
    readonly text: string;
  }[];
}

export interface CaseList {
  readonly items: readonly Case[];
  /** Undecided holds of one person that no open case has yet. */
  readonly suggestions: readonly {
    readonly actor: string;
    /** One of them, to open the case from. */
    readonly txId: string;
    readonly holds: number;
  }[];
}

export interface TimelineCall {
  readonly at: string;
  readonly function: string;
  readonly held: boolean;
  readonly scoreMillionths: number | null;
  /** Id of the hold it became. */
  readonly hold: string | null;
  readonly txId: string | null;
  readonly state: ReviewState | null;
  readonly finding: string | null;
}

export interface Timeline {
  readonly fromAt: string;
  readonly toAt: string;
  /** The latest hundred, oldest first. */
  readonly calls: readonly TimelineCall[];
  readonly more: boolean;
  /** The actor's calls of thirty days by UTC hour: when she usually works. */
  readonly usualHours: readonly number[];
}

export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface PeerFeature {
  readonly column: string;
  readonly unit: string;
  readonly value: number;
  /** 10th, 50th and 90th percentile of the peers' calls. */
  readonly peers: Spread;
  /** Of the actor's own earlier calls; null if there are fewer than five. */
  readonly own: Spread | null;
  /** Share of the peers' calls with a smaller value, equals counted half. */
  readonly rank: number;
}

export interface PeerComparison {
  readonly group: Readonly<{
    /** `ward`: same role and ward; `role`: same role anywhere in the hospital. */
    by: 'ward' | 'role';
    role: string;
    ward: string;
    people: number;
    calls: number;
    ownCalls: number;
  }>;
  /** The most unusual beside peers first; empty if the group is too small. */
  readonly features: readonly PeerFeature[];
}

export interface PersonLoad {
  readonly name: string;
  /** Claimed and not proposed yet. */
  readonly claimed: number;
  /** Proposed, waiting for somebody else. */
  readonly waiting: number;
  /** Filed before all others that she holds; null if she holds none. */
  readonly oldestFiledAt: string | null;
  /** Steps of the last seven days. */
  readonly proposals7d: number;
  readonly approvals7d: number;
}

/** Figures about work; none of them says how good a person is. Of the last thirty days where nothing else is said. */
export interface ReviewHealth {
  readonly load: readonly PersonLoad[];
  /** Undecided holds by age, youngest first. */
  readonly ages: readonly { readonly upToHours: number | null; readonly holds: number }[];
  readonly unclaimed: number;
  readonly overdue: number;
  readonly decided: number;
  readonly decidedInTime: number;
  readonly medianMs: number | null;
  readonly p90Ms: number | null;
  readonly escalations: number;
  readonly outcomes: readonly {
    readonly action: string;
    readonly finding: string;
    readonly holds: number;
  }[];
  /** Who proposes to whom, and how long the second person looked; seconds are a sign of stamping. */
  readonly pairs: readonly {
    readonly proposer: string;
    readonly approver: string;
    readonly holds: number;
    readonly medianSeconds: number;
  }[];
  /** Decided holds of each detector, and how many were confirmed as harmful. */
  readonly detectors: readonly {
    readonly version: number | null;
    readonly decided: number;
    readonly confirmed: number;
  }[];
  /** Filed, by UTC day, oldest first. */
  readonly days: readonly { readonly day: string; readonly holds: number }[];
  readonly breakGlass: EmergencyAccess;
  /** Names that were asked for behind pseudonyms, the latest first, at most 50; the names themselves stand nowhere. */
  readonly reIdentifications: readonly {
    readonly at: string;
    readonly by: string;
    readonly hold: string;
    readonly actor: string;
    readonly reason: string;
  }[];
}

/** Emergency access, which ran at once. */
export interface EmergencyAccess {
  readonly filed: number;
  readonly waiting: number;
  readonly overdue: number;
  /** Who uses it most, pseudonyms, at most 5. */
  readonly actors: readonly {
    readonly actor: string;
    readonly role: string;
    readonly ward: string;
    readonly holds: number;
  }[];
  /** Decided ones by finding. */
  readonly findings: Readonly<Record<string, number>>;
}

export interface BudgetOption {
  readonly alphaPpm: number;
  /** Calls that would have been held for their score. */
  readonly holds: number;
  readonly holdsPerDay: number;
  /** Per 1,000 scored calls, as it would have come out; α itself is what it should be for normal calls. */
  readonly heldPerThousand: number;
  /** Confirmed incidents among the holds that this α would have held too … */
  readonly found: number;
  /** … and those it would have let through: ids of holds, at most 50. */
  readonly missed: readonly string[];
  readonly missedCount: number;
}

/** Over the last thirty days, or as far back as calls were read. */
export interface AlertBudget {
  readonly fromAt: string;
  readonly toAt: string;
  readonly coveredMs: number;
  readonly scoredCalls: number;
  readonly unscoredCalls: number;
  /** Held for a cause other than the score: no α changes that. */
  readonly heldAnyway: number;
  /** Of the newest scored call; null if there is none. */
  readonly currentAlphaPpm: number | null;
  /** Decided as attack or policy breach in the time looked at. */
  readonly confirmed: number;
  readonly theta: number;
  /** Ascending. */
  readonly options: readonly BudgetOption[];
}

export interface BudgetProposal {
  readonly id: number;
  readonly alphaPpm: number;
  readonly reason: string;
  readonly figures: Pick<BudgetOption, 'holdsPerDay' | 'missedCount' | 'found'>;
  readonly owner: string;
  readonly at: string;
}

/** θ with its workload: what it promises for normal calls, and what came of it. */
export interface AlertRate {
  /** Millionths. */
  readonly theta: number;
  /** Null before the first scored call. */
  readonly alphaPpm: number | null;
  /** Of the last 24 hours. */
  readonly scoredCalls: number;
  readonly heldForScore: number;
  readonly held: number;
  /** Filed a day, over the last seven days or since the first call that was read. */
  readonly heldPerDay: number | null;
}

export interface SavedView {
  readonly id: number;
  readonly name: string;
  /** The page's own query string, without `?`. */
  readonly query: string;
  readonly owner: string;
}

export interface Session {
  readonly hospital: string;
  readonly person: {
    readonly name: string;
    readonly role: string;
    readonly actor: string;
    readonly mspId: string;
  };
  readonly csrf: string;
  readonly canSign: boolean;
  /** Whether there is a key here to unlock. */
  readonly hasKey: boolean;
  readonly expiresAt: string;
  /** Until then an approval asks for no fresh sign-in. */
  readonly freshUntil: string;
}

/** An open session; `id` names it and opens nothing. */
export interface SessionEntry {
  readonly id: string;
  readonly name: string;
  readonly method: 'password' | 'oidc';
  readonly openedAt: string;
  /** To the minute. */
  readonly seenAt: string;
  readonly current: boolean;
}

export interface Status {
  readonly hospital: string;
  readonly ledger: {
    readonly kind: string;
    readonly connected: boolean;
    readonly nextBlock: string;
    readonly lagBlocks: number | null;
    readonly lastBlockAt: string | null;
    readonly lastErrorCode: string | null;
  };
  readonly review: {
    readonly byState: Readonly<Partial<Record<ReviewState, number>>>;
    readonly deferred: number;
    readonly breakGlass: number;
    readonly rate: AlertRate | null;
  };
  readonly [fact: string]: unknown;
}

/** One account's day that the second line lists. */
export interface ListedDayAnswer {
  readonly id: number;
  /** ISO date, UTC; a session counts on the day of its beginning. */
  readonly date: string;
  readonly actor: string;
  readonly isOnLedger: boolean;
  readonly role: string;
  /** 1 is the strangest of its day. */
  readonly place: number;
  readonly accounts: number;
  /** Sum of 1 / p over everything that was looked at. */
  readonly evidence: number;
  /** So many of the compared days have at least this evidence. */
  readonly asStrange: number;
  readonly calibrationCases: number;
  readonly calibrationDays: number;
  readonly isOver: boolean;
  readonly isKept: boolean;
  /** Sentences, the strongest first. */
  readonly reasons: readonly string[];
  readonly dispositions: readonly {
    readonly kind: 'nothing' | 'review';
    readonly reason: string;
    readonly by: string;
    readonly at: string;
    readonly txId: string | null;
    readonly reportTxId: string | null;
  }[];
}

export interface ListedDayDetailAnswer extends ListedDayAnswer {
  readonly fromAt: string;
  readonly toAt: string;
  readonly findings: readonly {
    readonly member: string;
    readonly count: number | null;
    readonly act: string | null;
    readonly own: Readonly<{ mean: number; days: number }> | null;
    readonly peers: Readonly<{ mean: number; days: number }> | null;
    readonly oneIn: number;
  }[];
  /** On the ledger, oldest first; of more than two hundred the latest. */
  readonly calls: readonly (TimelineCall & { readonly txId: string })[];
  readonly callsInAll: number;
}

export interface ListedDaysAnswer {
  readonly items: readonly ListedDayAnswer[];
  readonly next: string | null;
  readonly waiting: number;
  /** The alert budget: about so many a day. */
  readonly daysPerDay: number;
  /** The newest ranked day; null before the first. */
  readonly newest: {
    readonly date: string;
    readonly throughAt: string;
    readonly accounts: number;
    readonly listed: number;
    /** null: too few days before it. */
    readonly alphaPpm: number | null;
    readonly calibrationDays: number;
    readonly missing: readonly string[];
  } | null;
}
