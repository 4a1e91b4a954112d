/** FAB: the channel, as this hospital sees it. @module */
import { sha256Hex } from '@bhschain/dp';
import { createDetectorRegistry } from '../detector/detector-registry.js';
import { readCheckpoint } from '../fabric/block-checkpoint.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { CHANNEL, ifReached, type DoctorContext } from './context.js';
import { faultOf } from './federation-fault.js';
import { lastBlocks } from './newest-block.js';
import { lookAtState } from './node-state.js';

const LAG_WARN_BLOCKS = 100;
/** Enough to find a transaction with endorsements among blocks of a few. */
const BLOCKS_LOOKED_AT = 30;

export function fabricChecks(context: DoctorContext): Check[] {
  const { config } = context;
  const { channel, chaincode, endpoints } = config.fabric;
  return [
    {
      code: 'FAB-001',
      look: async () => {
        try {
          const { kind } = await context.fabric();
          return pass(`A gateway answers at ${endpoints.join(', ')} (${kind}).`);
        } catch (error) {
          return fail(
            faultOf(error, config).sentence,
            'Check fabric.endpoints, fabric.tlsRoot and the firewall between node and peer.',
          );
        }
      },
    },
    {
      code: 'FAB-002',
      look: () =>
        ifReached(context.fabric, { what: 'A gateway', see: 'FAB-001' }, async (fabric) => {
          try {
            const { height } = await fabric.chainInfo();
            return pass(`Channel ${channel} has ${height} blocks.`);
          } catch (error) {
            return fail(
              `The peer does not let ${config.mspId} onto channel ${channel}: ${faultOf(error, config).sentence}`,
              `Check fabric.channel and mspId; ${config.mspId} must be a member of the channel (its configuration update).`,
            );
          }
        }),
    },
    {
      code: 'FAB-003',
      look: () =>
        ifReached(context.channel, CHANNEL, async () => {
          const { hospitals } = await context.onChannel();
          return hospitals.length > 0
            ? pass(
                `Chaincode ${chaincode} answers; the federation has ${hospitals.length} members there.`,
              )
            : warn(
                `Chaincode ${chaincode} answers, and no federation is configured there.`,
                'The orchestrator writes it at its first start.',
              );
        }),
    },
    { code: 'FAB-004', look: () => ifReached(context.channel, CHANNEL, () => lag(context)) },
    {
      code: 'FAB-005',
      look: () => ifReached(context.onChannel, CHANNEL, () => endorsements(context)),
    },
    {
      code: 'FAB-006',
      look: () =>
        ifReached(context.channel, CHANNEL, async (fabric) => {
          const version = await createDetectorRegistry(fabric).activeVersion();
          return version === null
            ? warn(
                'No detector is active: calls are not scored yet.',
                'Wait for the first one to be attested.',
              )
            : pass(`Detector ${version} is active.`);
        }),
    },
  ];
}

/** MOD-001: what the channel points to is what the channel holds. */
export function activeArtefactCheck(context: DoctorContext): Check {
  return {
    code: 'MOD-001',
    look: () =>
      ifReached(context.channel, CHANNEL, async (fabric) => {
        const registry = createDetectorRegistry(fabric);
        const version = await registry.activeVersion();
        const entry = version === null ? null : await registry.entry(version);
        if (entry === null)
          return skip('No detector is active.', 'Wait for the first one to be attested.');
        const { detectorBytes } = await registry.fetch(entry);
        return sha256Hex(detectorBytes) === entry.modelHash
          ? pass(`The bytes of detector ${entry.version} have the hash that the channel points to.`)
          : fail(
              `Detector ${entry.version} on the channel has other bytes than its hash.`,
              'Stop, and call the other members: the channel’s state is not what it says.',
            );
      }),
  };
}

async function lag(context: DoctorContext): Promise<Look> {
  const { config } = context;
  const { height } = await (await context.fabric()).chainInfo();
  return lookAtState(config, async (database) => {
    const { nextBlock } = await readCheckpoint(database, config.fabric.channel);
    if (nextBlock === 0n) return skip('This node has read no block yet.', 'Start it.');
    const behind = height - nextBlock;
    return behind <= BigInt(LAG_WARN_BLOCKS)
      ? pass(`The node has read the channel up to ${behind} blocks from its end.`)
      : warn(
          `The node is ${behind} blocks behind the channel.`,
          'Is it running? A node that was away catches up by itself.',
        );
  });
}

/** The policy is not asked for but seen at work: how many hospitals stand behind a valid transaction. */
async function endorsements(context: DoctorContext): Promise<Look> {
  const { hospitals } = await context.onChannel();
  const blocks = await lastBlocks(await context.fabric(), BLOCKS_LOOKED_AT);
  const valid = blocks
    .flatMap(({ transactions }) => transactions)
    .filter(({ code, endorsers }) => code === 0 && endorsers.length > 0);
  if (valid.length === 0)
    return skip('No endorsed transaction among the newest blocks.', 'Look again later.');
  const fewest = Math.min(...valid.map(({ endorsers }) => new Set(endorsers).size));
  const majority = Math.floor(hospitals.length / 2) + 1;
  const sentence = `The newest ${valid.length} transactions have at least ${fewest} endorsing organisations; ${majority} of ${hospitals.length} are a majority`;
  return fewest >= majority
    ? pass(`${sentence}.`)
    : warn(
        `${sentence}.`,
        'Raise the chaincode’s endorsement policy to a majority of the members.',
      );
}
