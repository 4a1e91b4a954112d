/** What the killed processes of `process-kill.e2e.test.ts` agree on, and the same rounds without a kill. */
import { createPrivateKey } from 'node:crypto';
import type { IssuedIdentity } from '../src/enrolment/authority.js';
import { encodeEnvelope } from '../src/protocol/envelope.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { signDocument } from '../src/protocol/signing.js';
import { slotStartMs } from '../src/round/calendar.js';
import { RoundRunner } from '../src/round-runner.js';
import { UpdateDesk } from '../src/update-desk.js';
import {
  bareSigner,
  callerWith,
  handTurnedClock,
  honestUpdate,
  openDisk,
  temporaryFolder,
  testFederation,
} from './consortium.js';
import { envelopeFor } from './world.js';

export const NODES = ['H1', 'H2'] as const;

/** With a server optimiser that remembers, so that a round which counted twice would show in every later model. */
export const FEDERATION = testFederation({
  nodes: NODES.length,
  policy: {
    slotLengthMs: 5_000,
    openDelayMs: 50,
    gatherMaxMs: 1_200,
    collectMaxMs: 3_200,
    graceMs: 300,
    sealMaxMs: 400,
    publicationBacklogMax: 1_000,
    optimiser: { rule: 'fedavgm', momentum: [1, 2] },
  },
});

/** The same bytes for a round, however often they are sent and by which life of the node. */
export function updateOf(nodeId: string, slotIndex: number): Uint8Array {
  const index = NODES.findIndex((each) => each === nodeId);
  return encodeParameters(honestUpdate((slotIndex % 1_000) * NODES.length + index));
}

/** The models that the updates of these slots make where nobody dies: one process, one life, a clock turned by hand. */
export async function undisturbed(
  slots: readonly number[],
  identities: ReadonlyMap<string, IssuedIdentity>,
): Promise<readonly string[]> {
  const folder = temporaryFolder();
  const { slotLengthMs } = FEDERATION.policy;
  const clock = handTurnedClock(slotStartMs(slots[0]! - 1, slotLengthMs));
  const disk = await openDisk(folder.path, clock.now);
  const parts = { federation: FEDERATION, ...disk, signer: bareSigner(), nowMs: clock.nowMs };
  const runner = new RoundRunner(parts);
  const updates = new UpdateDesk({ ...parts, runner });
  await runner.initialise();
  for (const slotIndex of slots) {
    clock.now = slotStartMs(slotIndex, slotLengthMs);
    await runner.openDueSlot();
    clock.now += FEDERATION.policy.openDelayMs;
    await runner.settle();
    const { round } = (await disk.store.rounds.findOpen())!;
    for (const nodeId of NODES) {
      await runner.apply(round.id, { kind: 'node-ready', nodeId, atMs: clock.now });
    }
    for (const nodeId of NODES) {
      const { certificate, privateKey } = identities.get(nodeId)!;
      const update = updateOf(nodeId, slotIndex);
      const unit = { ...round, roundId: round.id } as never;
      const envelope = encodeEnvelope(envelopeFor(unit, nodeId, update));
      const signature = signDocument('bhs-update-v1', envelope, createPrivateKey(privateKey));
      const caller = callerWith(nodeId, certificate);
      await updates.submitUpdate(caller, { envelope, signature, update });
    }
    await runner.settle();
  }
  const sealed = await disk.store.lineage.manifestsAfter(0, slots.length);
  await disk.store.close();
  folder.remove();
  return sealed.map((each) => each.resultModel);
}
