/**
 * The review as a pure state machine: (record, step, who, when) → next record, or a coded refusal.
 *
 * | from                       | step       | by                                                          | to                  |
 * |----------------------------|------------|-------------------------------------------------------------|---------------------|
 * | open, escalated            | claim      | reviewer of the actor's MSP; not the actor                  | claimed             |
 * | claimed                    | unclaim    | holder                                                      | open                |
 * | claimed                    | propose    | holder                                                      | proposed            |
 * | proposed                   | approve    | second person: not actor, not proposer; see below           | released / rejected |
 * | proposed                   | return     | second person                                               | claimed             |
 * | open, claimed, proposed    | escalate   | anyone, once the deadline is over                           | escalated           |
 * | released, rejected         | appeal     | the actor, once                                             | escalated           |
 * | released, rejected         | close      | anyone, 30 days after the decision                          | closed              |
 *
 * The second person belongs to the actor's MSP, and to another one where the function is high-risk. A person is an actor id,
 * i.e. a name in a certificate and not a key: a second key does not make a second person.
 * @module
 */
import { ChaincodeError } from './errors.js';
import { REVIEW_MS } from './review-filing.js';
import type {
  Finding,
  QuarantineCause,
  QuarantineRecord,
  ReviewAction,
  ReviewState,
} from './quarantine-record.js';

export type ReviewStepName =
  'claim' | 'unclaim' | 'propose' | 'approve' | 'return' | 'escalate' | 'appeal' | 'close';

export interface ReviewCommand {
  readonly step: ReviewStepName;
  readonly by: string;
  readonly mspId: string;
  readonly atMs: number;
  /** The version that the reviewer saw. */
  readonly expectedVersion: number;
  /** With `propose` only. */
  readonly proposal?: {
    readonly action: ReviewAction;
    readonly finding: Finding;
    readonly reasonDigest: string;
  };
  /** Another hospital must approve. */
  readonly highRisk: boolean;
}

/** Decided reviews are closed after this time. */
export const APPEAL_MS: number = 30 * 24 * 3_600_000;

const FROM: Readonly<Record<ReviewStepName, readonly ReviewState[]>> = {
  claim: ['open', 'escalated'],
  unclaim: ['claimed'],
  propose: ['claimed'],
  approve: ['proposed'],
  return: ['proposed'],
  escalate: ['open', 'claimed', 'proposed'],
  appeal: ['released', 'rejected'],
  close: ['released', 'rejected'],
};

const GRANTABLE: readonly QuarantineCause[] = [
  'score',
  'detector-unusable',
  'grant-invalid',
  'epoch-overdue',
];

/**
 * @throws {ChaincodeError} `ERR_REVIEW_VERSION`, `ERR_REVIEW_STATE`, `ERR_FOUR_EYES`, `ERR_NOT_HOLDER`,
 *   `ERR_MSP_NOT_ALLOWED`, `ERR_TOO_EARLY`, `ERR_ARGUMENT`
 */
export function advanceReview(record: QuarantineRecord, command: ReviewCommand): QuarantineRecord {
  if (command.expectedVersion !== record.version) {
    throw new ChaincodeError(
      'ERR_REVIEW_VERSION',
      `expected version ${command.expectedVersion}, the record has ${record.version}`,
      { expected: command.expectedVersion, got: record.version },
    );
  }
  if (!FROM[command.step].includes(record.state)) {
    throw new ChaincodeError(
      'ERR_REVIEW_STATE',
      `${command.step} needs ${FROM[command.step].join(' or ')}, the record is ${record.state}`,
      { step: command.step, state: record.state },
    );
  }
  const next = { ...record, ...RULES[command.step](record, command) };
  return {
    ...next,
    version: record.version + 1,
    history: [
      ...record.history,
      {
        step: command.step,
        by: command.by,
        mspId: command.mspId,
        atMs: command.atMs,
        to: next.state,
      },
    ],
  };
}

/** Whether a release of this record gives a right to resubmit: a diverted request that could run, and did not. */
export function isGrantable(record: QuarantineRecord): boolean {
  return GRANTABLE.includes(record.cause);
}

type Change = Partial<QuarantineRecord> & Pick<QuarantineRecord, 'state'>;
type Rule = (record: QuarantineRecord, command: ReviewCommand) => Change;

const RULES: Readonly<Record<ReviewStepName, Rule>> = {
  claim(record, command) {
    requireNotActor(record, command);
    requireMsp(record, command, false);
    return { state: 'claimed', holder: command.by, proposal: null };
  },
  unclaim(record, command) {
    requireHolder(record, command);
    return { state: 'open', holder: null };
  },
  propose(record, command) {
    requireHolder(record, command);
    requireNotActor(record, command);
    if (command.proposal === undefined) {
      throw new ChaincodeError('ERR_ARGUMENT', 'propose without a proposal');
    }
    return { state: 'proposed', proposal: { by: command.by, ...command.proposal } };
  },
  approve(record, command) {
    requireSecondPerson(record, command);
    requireMsp(record, command, command.highRisk);
    return {
      state: record.proposal?.action === 'release' ? 'released' : 'rejected',
      holder: null,
      deadlineMs: command.atMs + APPEAL_MS,
    };
  },
  return(record, command) {
    requireSecondPerson(record, command);
    requireMsp(record, command, command.highRisk);
    return { state: 'claimed', proposal: null };
  },
  escalate(record, command) {
    requireOver(record, command);
    return {
      state: 'escalated',
      holder: null,
      proposal: null,
      deadlineMs: command.atMs + REVIEW_MS,
    };
  },
  appeal(record, command) {
    if (command.by !== record.actor) {
      throw new ChaincodeError('ERR_NOT_HOLDER', 'only the actor of a call may appeal');
    }
    if (record.appealed) {
      throw new ChaincodeError('ERR_REVIEW_STATE', 'this review was appealed before', {
        step: 'appeal',
        state: record.state,
      });
    }
    return {
      state: 'escalated',
      appealed: true,
      holder: null,
      proposal: null,
      deadlineMs: command.atMs + REVIEW_MS,
    };
  },
  close(record, command) {
    requireOver(record, command);
    return { state: 'closed', holder: null };
  },
};

function requireHolder(record: QuarantineRecord, command: ReviewCommand): void {
  if (command.by !== record.holder) {
    throw new ChaincodeError('ERR_NOT_HOLDER', `${command.step} is for the one who claimed it`);
  }
}

function requireNotActor(record: QuarantineRecord, command: ReviewCommand): void {
  if (command.by === record.actor) {
    throw new ChaincodeError('ERR_FOUR_EYES', 'nobody reviews a call of her own');
  }
}

function requireSecondPerson(record: QuarantineRecord, command: ReviewCommand): void {
  requireNotActor(record, command);
  if (command.by === record.proposal?.by) {
    throw new ChaincodeError('ERR_FOUR_EYES', `${command.step} is for a second person`);
  }
}

function requireMsp(record: QuarantineRecord, command: ReviewCommand, another: boolean): void {
  if ((command.mspId !== record.mspId) !== another) {
    throw new ChaincodeError(
      'ERR_MSP_NOT_ALLOWED',
      `${command.step}: expected ${another ? 'another hospital than ' : ''}${record.mspId}, got ${command.mspId}`,
    );
  }
}

function requireOver(record: QuarantineRecord, command: ReviewCommand): void {
  if (command.atMs <= record.deadlineMs) {
    throw new ChaincodeError(
      'ERR_TOO_EARLY',
      `${command.step} is possible after ${record.deadlineMs}, it is ${command.atMs}`,
      { deadlineMs: record.deadlineMs },
    );
  }
}
