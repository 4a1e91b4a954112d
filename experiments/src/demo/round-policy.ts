/**
 * How long a round of the demo takes: the calendar's slots are seconds long, by policy; no clock is bent. Where an update
 * is to wait for people, a round leaves them minutes.
 * @module
 */

/** All in milliseconds. */
export interface DemoPolicy {
  readonly slotLengthMs: number;
  readonly openDelayMs: number;
  readonly gatherMaxMs: number;
  readonly collectMaxMs: number;
  readonly graceMs: number;
  readonly sealMaxMs: number;
}

const QUICK: DemoPolicy = {
  slotLengthMs: 20_000,
  openDelayMs: 500,
  gatherMaxMs: 4_000,
  collectMaxMs: 10_000,
  graceMs: 6_000,
  sealMaxMs: 3_000,
};

/** Time to sign in, to look, and for two people to sign. */
const PATIENT: DemoPolicy = {
  slotLengthMs: 240_000,
  openDelayMs: 500,
  gatherMaxMs: 20_000,
  collectMaxMs: 200_000,
  graceMs: 180_000,
  sealMaxMs: 10_000,
};

/** From the end of the set-up to the first round, so that a detector is active when it ends. */
const START_UP_MS = { development: 12_000, fabric: 45_000 } as const;

/** The times of the rounds and the slot of the first; kept with the state, since slots are counted in their length. */
export function planRounds(o: {
  readonly nowMs: number;
  readonly ledger: keyof typeof START_UP_MS;
  /** Whether an update will wait for people. */
  readonly reviewed: boolean;
}): { readonly policy: DemoPolicy; readonly originSlot: number } {
  // A missed slot of minutes is dear, so a slow machine gets twice the time.
  const readyAtMs = o.nowMs + START_UP_MS[o.ledger] * (o.reviewed ? 2 : 1);
  const policy = o.reviewed ? beginningSoonAfter(readyAtMs, PATIENT) : QUICK;
  return { policy, originSlot: Math.floor(readyAtMs / policy.slotLengthMs) + 1 };
}

/** Slots longer by up to a minute, such that one begins soon: nobody waits four minutes for the first round. */
function beginningSoonAfter(readyAtMs: number, policy: DemoPolicy): DemoPolicy {
  const waitMs = (slotLengthMs: number): number => slotLengthMs - (readyAtMs % slotLengthMs);
  let { slotLengthMs } = policy;
  for (let moreMs = 1_000; moreMs <= 60_000; moreMs += 1_000) {
    const longer = policy.slotLengthMs + moreMs;
    if (waitMs(longer) < waitMs(slotLengthMs)) slotLengthMs = longer;
  }
  return { ...policy, slotLengthMs };
}
