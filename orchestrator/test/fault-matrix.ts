/**
 * What can go wrong, what must hold then, and which tests show it. A test of the room checks that each of them exists.
 * Ids are those of the design document where it has a row; X-rows were added while building.
 */

export interface FaultRow {
  readonly id: string;
  readonly fault: string;
  readonly holds: string;
  /** `file > part of a title`; files of this room unless they begin with another room's name. */
  readonly tests: readonly string[];
}

export const FAULT_MATRIX: readonly FaultRow[] = [
  {
    id: 'F01',
    fault: 'kill −9 of the orchestrator at every durable operation of two rounds',
    holds: 'the models of the undisturbed run, one proposal a version',
    tests: [
      'crash.test.ts > ',
      'process-kill.e2e.test.ts > before and after every kind of durable step',
    ],
  },
  {
    id: 'F02',
    fault: 'kill −9 of a node between every two durable steps of a round',
    holds: 'ε spent once; the same bytes or a recorded abandon',
    tests: [
      'hospital-node/round-crash.e2e.test.ts > before the debit has spent nothing',
      'hospital-node/round-crash.e2e.test.ts > stays spent and never trains',
      'hospital-node/round-crash.e2e.test.ts > sends the same bytes after a restart',
    ],
  },
  {
    id: 'F03',
    fault: 'orchestrator and nodes killed, frozen and cut at random in one round',
    holds: 'every sealed round replays; one debit an interval; nothing lost or counted twice',
    // At random, with the real node and its debits, it is `npm run chaos`, which CI runs; each seed checks the same.
    tests: [
      'process-kill.e2e.test.ts > before and after every kind of durable step',
      'hospital-node/round-crash.e2e.test.ts > sends the same bytes after a restart',
      'experiments/chaos.test.ts > are of every kind over twenty seeds',
    ],
  },
  {
    id: 'F04',
    fault: 'the answer to a submission is lost',
    holds: 'one submission, equal receipts, also after the round',
    tests: [
      'faults.e2e.test.ts > that come twice, in another order or too late',
      'federation.e2e.test.ts > seals a round, publishes its detector',
    ],
  },
  {
    id: 'F05',
    fault: 'messages duplicated, reordered, delayed',
    holds: 'the result depends on the set of accepted updates only',
    tests: [
      'faults.e2e.test.ts > that come twice, in another order or too late',
      'round.property.test.ts > ',
      'federated-average.property.test.ts > ',
    ],
  },
  {
    id: 'F06',
    fault: 'an upload is cut in the middle',
    holds: 'only missing chunks travel again',
    tests: ['faults.e2e.test.ts > that are cut in the middle are resumed'],
  },
  {
    id: 'X01',
    fault: 'bits flip on the way',
    holds: 'nothing arrives as something else; the same bytes go through later',
    tests: ['faults.e2e.test.ts > that are corrupted never arrive as something else'],
  },
  {
    id: 'F07',
    fault: 'a slow link',
    holds: 'completes, or misses the close visibly',
    tests: ['faults.e2e.test.ts > over a slow link arrive in time'],
  },
  {
    id: 'F08',
    fault: 'a node is away for two rounds and returns',
    holds: 'named as missing, counts again, nobody is restarted',
    tests: ['faults.e2e.test.ts > for two rounds is named as missing'],
  },
  {
    id: 'F09',
    fault: 'the orchestrator is away for several slots',
    holds: 'each catch-up policy as stated; never a burst',
    tests: ['second-attempt.test.ts > slots away, then one round', 'calendar.test.ts > '],
  },
  {
    id: 'F10',
    fault: 'nodes beyond the quorum are dead',
    holds: 'closes at the end of the grace window and names them',
    tests: ['round.test.ts > aggregates at the end of the grace window and names who is missing'],
  },
  {
    id: 'F11',
    fault: 'too many nodes are dead',
    holds: 'aborts at the deadline; a second attempt where the policy allows; the next slot runs',
    tests: [
      'round.test.ts > aborts at the deadline without a quorum',
      'second-attempt.test.ts > is tried once more in its slot',
      'hostile.e2e.test.ts > is refused with a code, put on record',
    ],
  },
  {
    id: 'F13',
    fault: 'a submission after the close',
    holds: '`ERR_ROUND_CLOSED`',
    tests: ['faults.e2e.test.ts > that come twice, in another order or too late'],
  },
  {
    id: 'F14',
    fault: 'a node’s clock is off by ±10 s or ±1 h',
    holds: 'measured and told (the node declines from 5 s); refused',
    tests: ['faults.e2e.test.ts > ten seconds off are measured'],
  },
  {
    id: 'F15',
    fault: 'the orchestrator’s clock jumps by ±10 s or ±1 h',
    holds:
      'no slot runs twice, slots only grow, what is sealed replays; most members’ clocks say so',
    tests: [
      'second-attempt.test.ts > jumps by',
      'second-attempt.test.ts > a clock that most members contradict',
    ],
  },
  {
    id: 'F17',
    fault: 'the disk is full',
    holds: 'nothing is acknowledged that is not kept; goes on when there is room',
    tests: ['storage-faults.e2e.test.ts > acknowledges nothing, and goes on where it was'],
  },
  {
    id: 'F20',
    fault: 'a node shows the privacy ledger of yesterday',
    holds: '`ERR_LEDGER_ROLLED_BACK`',
    tests: ['federation.e2e.test.ts > a privacy ledger that went back'],
  },
  {
    id: 'F24',
    fault: 'a second, different update for one round',
    holds: '`ERR_UPDATE_CONFLICT`, on record',
    tests: [
      'federation.e2e.test.ts > refuses what is not in order',
      'hostile.e2e.test.ts > is refused with a code',
    ],
  },
  {
    id: 'F25',
    fault: 'wrong length, layout, plan, base, round, name; an envelope of an older round',
    holds: 'a code of its own each, in the audit log, nothing else changed',
    tests: ['hostile.e2e.test.ts > is refused with a code, put on record'],
  },
  {
    id: 'F26',
    fault: 'sums near the limits of the arithmetic',
    holds: 'exact or refused, never wrapped',
    tests: [
      'federated-average.property.test.ts > ',
      'server-optimiser.property.test.ts > rounds β·v + Δ once',
    ],
  },
  {
    id: 'F27',
    fault: 'NaN in a defective or hostile update',
    holds: 'rejected by both sides',
    tests: ['hostile.e2e.test.ts > is refused with a code', 'screening.test.ts > '],
  },
  {
    id: 'F29',
    fault: 'release of a quarantined update by one person, or two of one hospital',
    holds: 'refused',
    tests: ['update-review.test.ts > '],
  },
  {
    id: 'F30',
    fault: 'certificate expired, revoked, of another authority',
    holds: 'a sentence, a code that is not retried',
    tests: [
      'faults.e2e.test.ts > that have expired or are of another authority',
      'federation.e2e.test.ts > stops a revoked node in the middle of its connection',
      'membership.e2e.test.ts > never refuses a node that renews in time',
    ],
  },
  {
    id: 'F31',
    fault: 'a token reused, guessed, expired; a request in another name; join twice',
    holds: 'refused alike; the same key finds the same request',
    tests: [
      'enrolment.test.ts > refuses a certificate request with another name',
      'enrolment.test.ts > gives the same request when the same key joins again',
      'enrolment.test.ts > by ',
    ],
  },
  {
    id: 'F32',
    fault: 'a certificate is renewed',
    holds: 'the old one stays good for a day; rounds are unaffected',
    tests: ['membership.e2e.test.ts > certifies a new key of the same node'],
  },
  {
    id: 'F33',
    fault: 'the channel is away; the answer to a proposal is lost',
    holds: 'backlog, one proposal',
    tests: [
      'publisher.test.ts > waits while the channel is away',
      'publisher.test.ts > proposes once when the answer to a proposal got lost',
    ],
  },
  {
    id: 'F34',
    fault: 'attestations do not come',
    holds: 'the old detector scores on',
    tests: ['publisher.test.ts > waits for m attestations and refuses the proposal'],
  },
  {
    id: 'X05',
    fault: 'the channel refuses a proposal for good',
    holds: 'told to operators; the next model gets the number',
    tests: [
      'publisher.test.ts > gives the number of a version that the channel did not take',
      'publisher.test.ts > leaves alone a number that the channel has',
    ],
  },
  {
    id: 'F35',
    fault: 'a detector is rolled back, withdrawn or refused',
    holds: 'the next base avoids its branch, nothing of it is published; every round replays',
    tests: [
      'publisher.test.ts > after a roll-back the next round starts from the model',
      'publisher.test.ts > after a withdrawal neither the model',
      'publisher.test.ts > a proposal that nobody attests takes the models',
      'publisher.test.ts > what waits for the channel is not proposed',
      'federation.e2e.test.ts > goes on from the detector that hospitals went back to',
      'channel.e2e.test.ts > tells of every vote, wherever it was cast',
    ],
  },
  {
    id: 'F38',
    fault: 'two replicas on one PostgreSQL, the leader is killed',
    holds: 'what it had accepted counts, the other one seals',
    tests: [
      'replicas.e2e.test.ts > survive the leader',
      'store.conformance.test.ts > is with one of two, passes on',
    ],
  },
  {
    id: 'X02',
    fault: 'PostgreSQL is stopped and started in the middle of a round',
    holds: 'coded retries, then the round seals',
    tests: ['storage-faults.e2e.test.ts > stopped and started in the middle of a round'],
  },
  {
    id: 'X03',
    fault:
      'a member announces other chunks under the name of the update that it sends whole, also at the same moment',
    holds: 'the store has what was screened, or nothing',
    tests: [
      'store.conformance.test.ts > whole bytes win over chunks that claim to be part of them',
      'store.conformance.test.ts > whole bytes win over the last chunk of a liar',
    ],
  },
  {
    id: 'X04',
    fault:
      'an accepted update is other bytes on the disk when it is averaged, or when the manifest is made',
    holds: 'nothing of it is averaged: the round aborts with its reason',
    tests: [
      'storage-faults.e2e.test.ts > is not averaged',
      'storage-faults.e2e.test.ts > stops the seal as well',
    ],
  },
  {
    id: 'F39',
    fault: 'too many calls at once',
    holds: 'refused with the time to wait; nothing is queued',
    tests: ['admission.test.ts > bounds what is in progress'],
  },
  {
    id: 'F40',
    fault:
      'silent connections, half-open streams, readers that never read, oversized and unannounced chunks',
    holds: 'bounded and closed; a member gets in beside them',
    tests: [
      'hostile.e2e.test.ts > silent connections and half-open streams are bounded',
      'hostile.e2e.test.ts > has few streams at once',
      'hostile.e2e.test.ts > is shown out with all that it holds',
      'hostile.e2e.test.ts > cannot fill the store',
    ],
  },
  {
    id: 'F43',
    fault: 'a member is revoked after its update was accepted',
    holds: 'leaves the set; below the quorum the round waits, then aborts',
    tests: ['round.test.ts > takes a revoked node out of the set'],
  },
];
