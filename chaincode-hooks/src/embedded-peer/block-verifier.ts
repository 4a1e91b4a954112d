/**
 * An outside reader's verdict on a block directory: nothing is believed that can be computed again.
 *
 * Recomputed for every block: record checksums, place, hash chain, data hash; for every transaction: creator's signature,
 * transaction id, proposal hash, endorsements against the policy in force, versions and ranges against a state that is
 * rebuilt from the blocks alone – and from these the validation code, which must be the one on disk.
 * @module
 */
import { readBlocks, type StoredBlock, type TornTail } from './block-store.js';
import { decodeConfiguration, type ChannelConfiguration } from './channel-configuration.js';
import { BlockCorruptError, MalformedMessageError } from './errors.js';
import { createMembership, type Membership } from './membership.js';
import {
  CODE,
  ownsItsId,
  validateBlock,
  type EndorsementPolicy,
  type ValidatedTransaction,
} from './validator.js';
import { WorldState } from './world-state.js';

/** A block whose every claim holds. */
export interface VerifiedBlock extends StoredBlock {
  /** Set in configuration blocks, which have no transactions. */
  readonly configuration: ChannelConfiguration | null;
  readonly transactions: readonly ValidatedTransaction[];
}

export interface VerifyOptions {
  /** MSP id → root PEM. When given, a member with another root is refused: configurations are not signed. */
  readonly trustedRoots?: Readonly<Record<string, string>>;
  readonly onTornTail?: (torn: TornTail) => void;
}

export interface BlockReport {
  readonly blocks: number;
  readonly transactions: number;
  /** Validation code → how many transactions have it. */
  readonly codes: Readonly<Record<number, number>>;
  /** Fewest different hospitals that endorsed a valid transaction; 0 without any. */
  readonly endorsementsLeast: number;
  readonly configurations: number;
  /** In force at the end. */
  readonly configuration: ChannelConfiguration;
  /** Hex header hash of the newest block. */
  readonly headHash: string;
  readonly tornTail: TornTail | null;
}

/**
 * Reads all blocks and sums up.
 * @throws {BlockCorruptError} `ERR_BLOCK_CORRUPT` at the first block that does not hold, with file, offset and reason
 */
export function verifyBlocks(dir: string, options: VerifyOptions = {}): BlockReport {
  const codes: Record<number, number> = {};
  let blocks = 0;
  let transactions = 0;
  let configurations = 0;
  let endorsementsLeast = Number.POSITIVE_INFINITY;
  let configuration: ChannelConfiguration | null = null;
  let headHash = '';
  let tornTail: TornTail | null = null;
  const onTornTail = (torn: TornTail): void => {
    tornTail = torn;
    options.onTornTail?.(torn);
  };
  for (const block of verifiedBlocks(dir, { ...options, onTornTail })) {
    blocks++;
    headHash = block.headerHash.toString('hex');
    if (block.configuration !== null) {
      configurations++;
      configuration = block.configuration;
    }
    for (const { code, endorsers } of block.transactions) {
      transactions++;
      codes[code] = (codes[code] ?? 0) + 1;
      if (code === CODE.valid) endorsementsLeast = Math.min(endorsementsLeast, endorsers.length);
    }
  }
  if (configuration === null) {
    throw new BlockCorruptError({ file: dir, offset: 0, block: 0, reason: 'there is no block' });
  }
  return {
    blocks,
    transactions,
    codes,
    endorsementsLeast: Number.isFinite(endorsementsLeast) ? endorsementsLeast : 0,
    configurations,
    configuration,
    headHash,
    tornTail,
  };
}

/** The same, block by block, for readers that look into them. */
export function* verifiedBlocks(
  dir: string,
  options: VerifyOptions = {},
): IterableIterator<VerifiedBlock> {
  const state = new WorldState();
  const committed = new Set<string>();
  let rules: Rules | null = null;
  for (const block of readBlocks(dir, options.onTornTail)) {
    const { number, file, offset } = block;
    const corrupt = (reason: string): never => {
      throw new BlockCorruptError({ file, offset, block: number, reason });
    };
    const configuration = configurationOf(block, corrupt);
    if (configuration !== null) {
      checkRoots(configuration, options.trustedRoots, corrupt);
      rules = rulesOf(configuration);
      state.applyBlock(number, []);
      yield { ...block, configuration, transactions: [] };
      continue;
    }
    if (rules === null) return corrupt('block 0 is not a configuration block');
    if (block.lastConfig !== rules.block) corrupt('names another last configuration block');
    const transactions = validateBlock(number, block.envelopes, {
      ...rules,
      state,
      isCommitted: (txId) => committed.has(txId),
    });
    for (const [index, { code, txId }] of transactions.entries()) {
      if (code !== block.codes[index]) {
        corrupt(`transaction ${index}: code ${block.codes[index]!} on disk, ${code} recomputed`);
      }
      if (ownsItsId(code)) committed.add(txId);
    }
    state.applyBlock(
      number,
      transactions.flatMap(({ writes }, tx) => writes.map((write) => ({ ...write, tx }))),
    );
    yield { ...block, configuration: null, transactions };
  }

  function rulesOf(configuration: ChannelConfiguration): Rules {
    const { channel, chaincode, members, outOf } = configuration;
    const endorsers = members.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
    return {
      block: state.height,
      channel,
      chaincode,
      membership: createMembership(members.map((member) => ({ ...member, active: true }))),
      policy: { endorsers: new Set(endorsers), outOf },
    };
  }
}

/** What a configuration block puts in force. */
interface Rules {
  readonly block: number;
  readonly channel: string;
  readonly chaincode: string;
  readonly membership: Membership;
  readonly policy: EndorsementPolicy;
}

function configurationOf(
  block: StoredBlock,
  corrupt: (reason: string) => never,
): ChannelConfiguration | null {
  const [first] = block.envelopes;
  if (first === undefined) return corrupt('holds no transaction');
  let configuration: ChannelConfiguration | null;
  try {
    configuration = decodeConfiguration(first);
  } catch (error) {
    // Broken bytes are a transaction with a code; only a broken *valid* one is a broken configuration.
    if (error instanceof MalformedMessageError && block.codes[0] !== CODE.valid) return null;
    return corrupt(error instanceof Error ? error.message : String(error));
  }
  // An envelope that merely says that it is a configuration is an invalid transaction.
  if (configuration === null || block.codes[0] !== CODE.valid) return null;
  if (block.envelopes.length !== 1) corrupt('a configuration block holds further transactions');
  if (block.lastConfig !== block.number) corrupt('names another last configuration block');
  return configuration;
}

function checkRoots(
  configuration: ChannelConfiguration,
  trusted: VerifyOptions['trustedRoots'],
  corrupt: (reason: string) => never,
): void {
  if (trusted === undefined) return;
  for (const { mspId, rootPem } of configuration.members) {
    if (trusted[mspId]?.trim() !== rootPem.trim()) corrupt(`the root of ${mspId} is not trusted`);
  }
}
