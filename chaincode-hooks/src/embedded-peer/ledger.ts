/**
 * The ledger: blocks on disk, the state that they make, and who is waiting for the next one.
 *
 * `commit` is called by the orderer alone, one block at a time. Everything else only reads.
 * @module
 */
import { common, ledger, type peer } from '@hyperledger/fabric-protos';
import { buildBlock, decodeBlock } from './block.js';
import { BlockStore, type StoredBlock } from './block-store.js';
import {
  decodeConfiguration,
  encodeConfiguration,
  type ChannelConfiguration,
} from './channel-configuration.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { LedgerConfigError, LedgerFullError } from './errors.js';
import type { Membership } from './membership.js';
import {
  decode,
  decodeHeader,
  decodeTransaction,
  present,
  type DecodedTransaction,
  type ProtobufTimestamp,
} from './messages.js';
import { decodeReadWriteSet, type KeyWrite, type Version } from './read-write-set.js';
import type { PeerLog } from './options.js';
import { CODE, ownsItsId, validateBlock, type EndorsementPolicy } from './validator.js';
import { WorldState } from './world-state.js';

/** Where a transaction went. */
export interface TransactionStatus {
  readonly block: number;
  readonly index: number;
  readonly code: number;
}

/** What a valid transaction told its subscribers; `null` when it set no event. */
export interface TransactionEvent {
  readonly txId: string;
  readonly event: peer.ChaincodeEvent | null;
}

/** Blocks whose events are kept decoded for the subscribers that follow closely. */
const RECENT_BLOCKS = 256;

export interface LedgerOptions {
  readonly dir: string;
  readonly configuration: ChannelConfiguration;
  readonly membership: Membership;
  readonly segmentBytesMax: number;
  readonly transactionsMax: number;
  readonly log: PeerLog;
}

type Listener = () => void;

export class Ledger {
  readonly state: WorldState = new WorldState();
  readonly #configuration: ChannelConfiguration;
  readonly #membership: Membership;
  readonly #policy: EndorsementPolicy;
  readonly #transactionsMax: number;
  readonly #lock: DirectoryLock;
  readonly #store: BlockStore;
  readonly #statuses = new Map<string, TransactionStatus>();
  readonly #commitWaiters = new Map<string, Set<(status: TransactionStatus) => void>>();
  readonly #blockListeners = new Set<Listener>();
  readonly #recentEvents = new Map<number, readonly TransactionEvent[]>();
  #previousHash: Buffer = Buffer.alloc(0);
  #lastConfig = 0;
  #lastConfigEnvelope: Uint8Array = new Uint8Array(0);
  #configSequence = 0;

  /** Locks the directory, replays every block, and writes a configuration block if the configuration is new. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const lock = lockDirectory(options.dir);
    try {
      const opened = new Ledger(options, lock);
      try {
        await opened.#applyConfiguration();
      } catch (error) {
        opened.#store.close();
        throw error;
      }
      return opened;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(options: LedgerOptions, lock: DirectoryLock) {
    const { configuration, log } = options;
    this.#configuration = configuration;
    this.#membership = options.membership;
    this.#transactionsMax = options.transactionsMax;
    this.#lock = lock;
    const endorsers = configuration.members.filter(({ endorses }) => endorses);
    this.#policy = {
      endorsers: new Set(endorsers.map(({ mspId }) => mspId)),
      outOf: configuration.outOf,
    };
    this.#store = BlockStore.open(options.dir, {
      segmentBytesMax: options.segmentBytesMax,
      replay: (block) => this.#replay(block),
      onTornTail: (torn) => {
        log.warn(torn, 'cut off a block that was being written when the ledger stopped');
      },
    });
  }

  /** Number of committed blocks. */
  get height(): number {
    return this.state.height;
  }

  /** Header hash of the newest block. */
  get headHash(): Uint8Array {
    return this.#previousHash;
  }

  get transactionCount(): number {
    return this.#statuses.size;
  }

  blockBytes(number: number): Uint8Array {
    return this.#store.read(number);
  }

  block(number: number): common.Block {
    return common.Block.deserializeBinary(this.blockBytes(number));
  }

  statusOf(txId: string): TransactionStatus | null {
    return this.#statuses.get(txId) ?? null;
  }

  /** Resolves when the transaction is committed, valid or not; with `null` when `signal` fires first. */
  whenCommitted(txId: string, signal: AbortSignal): Promise<TransactionStatus | null> {
    const known = this.statusOf(txId);
    if (known !== null || signal.aborted) return Promise.resolve(known);
    return new Promise((resolve) => {
      const waiters = this.#commitWaiters.get(txId) ?? new Set();
      const done = (status: TransactionStatus | null): void => {
        waiters.delete(done);
        if (waiters.size === 0) this.#commitWaiters.delete(txId);
        signal.removeEventListener('abort', giveUp);
        resolve(status);
      };
      const giveUp = (): void => done(null);
      waiters.add(done);
      this.#commitWaiters.set(txId, waiters);
      signal.addEventListener('abort', giveUp);
    });
  }

  /** `listener` is called after every commit, until the returned function is called. */
  onBlock(listener: Listener): () => void {
    this.#blockListeners.add(listener);
    return () => this.#blockListeners.delete(listener);
  }

  /** Chaincode events of the valid transactions of a committed block; most blocks are asked for while they are new. */
  eventsOf(number: number): readonly TransactionEvent[] {
    return this.#recentEvents.get(number) ?? this.#storedEventsOf(number);
  }

  /** Valid modifications of a key, newest first. */
  *history(key: string): IterableIterator<ledger.queryresult.KeyModification> {
    for (const version of [...this.state.writesOf(key)].reverse()) {
      const modification = this.#modificationAt(key, version);
      if (modification !== null) yield modification;
    }
  }

  /** The envelope of a committed transaction. */
  envelopeAt(status: TransactionStatus): common.Envelope {
    const envelopes = this.block(status.block).getData()?.getDataList_asU8() ?? [];
    return common.Envelope.deserializeBinary(envelopes[status.index]!);
  }

  /** @throws {LedgerFullError} if there is no room for one more transaction beside `pendingCount` others */
  checkRoom(pendingCount: number): void {
    if (this.#statuses.size + pendingCount >= this.#transactionsMax) {
      throw new LedgerFullError({ transactionsMax: this.#transactionsMax });
    }
  }

  /** Validates, writes to disk, applies, announces. */
  async commit(envelopes: readonly Uint8Array[]): Promise<void> {
    const number = this.height;
    const validated = validateBlock(number, envelopes, {
      channel: this.#configuration.channel,
      chaincode: this.#configuration.chaincode,
      membership: this.#membership,
      policy: this.#policy,
      state: this.state,
      isCommitted: (txId) => this.#statuses.has(txId),
    });
    const codes = Uint8Array.from(validated, ({ code }) => code);
    await this.#append(envelopes, codes);
    const writes = validated.flatMap((transaction, tx) =>
      transaction.writes.map((write) => ({ ...write, tx })),
    );
    this.state.applyBlock(number, writes);
    const valid = validated.filter(({ code }) => code === CODE.valid);
    this.#recentEvents.set(
      number,
      valid.map(({ txId, event }) => ({ txId, event })),
    );
    this.#recentEvents.delete(number - RECENT_BLOCKS);
    for (const [index, { txId, code }] of validated.entries()) {
      const status = { block: number, index, code };
      this.#index(txId, status);
      for (const done of [...(this.#commitWaiters.get(txId) ?? [])]) done(status);
    }
    this.#announce();
  }

  close(): void {
    this.#store.close();
    this.#lock.release();
  }

  #storedEventsOf(number: number): TransactionEvent[] {
    const { envelopes, codes } = decodeBlock(this.block(number));
    return envelopes.flatMap((bytes, index) => {
      const opened = codes[index] === CODE.valid ? openTransaction(bytes) : null;
      return opened === null ? [] : [{ txId: opened.txId, event: opened.transaction.event }];
    });
  }

  async #append(envelopes: readonly Uint8Array[], codes: Uint8Array): Promise<void> {
    const { bytes, headerHash } = buildBlock({
      number: this.height,
      previousHash: this.#previousHash,
      envelopes,
      codes,
      lastConfig: this.#lastConfig,
    });
    await this.#store.append(bytes);
    this.#previousHash = headerHash;
  }

  async #applyConfiguration(): Promise<void> {
    const { channel, chaincode } = this.#configuration;
    const stored = this.height === 0 ? null : decodeConfiguration(this.#lastConfigEnvelope);
    for (const [key, got, found] of [
      ['channel', channel, stored?.channel],
      ['chaincode.name', chaincode, stored?.chaincode],
    ] as const) {
      if (found !== undefined && got !== found) {
        throw new LedgerConfigError({
          key,
          got,
          expected: `${found}, which these blocks belong to`,
        });
      }
    }
    const unchanged = Buffer.from(encodeConfiguration(this.#configuration, this.#configSequence));
    if (this.height > 0 && unchanged.equals(this.#lastConfigEnvelope)) return;
    const number = this.height;
    const sequence = number === 0 ? 0 : this.#configSequence + 1;
    this.#lastConfig = number;
    await this.#append(
      [encodeConfiguration(this.#configuration, sequence)],
      Uint8Array.of(CODE.valid),
    );
    this.state.applyBlock(number, []);
  }

  #index(txId: string, status: TransactionStatus): void {
    if (txId !== '' && ownsItsId(status.code)) this.#statuses.set(txId, status);
  }

  #announce(): void {
    for (const listener of [...this.#blockListeners]) listener();
  }

  #replay(block: StoredBlock): void {
    const writes: (KeyWrite & { tx: number })[] = [];
    for (const [tx, bytes] of block.envelopes.entries()) {
      const code = block.codes[tx]!;
      const configuration = code === CODE.valid ? decodeConfiguration(bytes) : null;
      if (configuration !== null) {
        this.#lastConfig = block.number;
        this.#lastConfigEnvelope = bytes;
        if (block.number > 0) this.#configSequence++;
        continue;
      }
      const opened = openTransaction(bytes);
      if (opened === null) continue;
      this.#index(opened.txId, { block: block.number, index: tx, code });
      if (code !== CODE.valid) continue;
      const set = decodeReadWriteSet(opened.transaction.chaincode, opened.transaction.results);
      for (const write of set.writes) writes.push({ ...write, tx });
    }
    this.state.applyBlock(block.number, writes);
    this.#previousHash = block.headerHash;
  }

  #modificationAt(key: string, version: Version): ledger.queryresult.KeyModification | null {
    const envelopes = this.block(version.block).getData()?.getDataList_asU8() ?? [];
    const opened = openTransaction(envelopes[version.tx]!);
    if (opened === null) return null;
    const { transaction, txId, timestamp } = opened;
    const set = decodeReadWriteSet(transaction.chaincode, transaction.results);
    const write = set.writes.find((candidate) => candidate.key === key);
    if (write === undefined) return null;
    const modification = new ledger.queryresult.KeyModification();
    modification.setTxId(txId);
    modification.setValue(write.value ?? new Uint8Array(0));
    modification.setIsDelete(write.value === null);
    modification.setTimestamp(timestamp);
    return modification;
  }
}

/** Parsed leniently: invalid transactions may be anything, and give `null`. */
function openTransaction(bytes: Uint8Array): {
  txId: string;
  timestamp: ProtobufTimestamp | undefined;
  transaction: DecodedTransaction;
} | null {
  try {
    const envelope = decode(common.Envelope, bytes, 'envelope');
    const payload = decode(common.Payload, envelope.getPayload_asU8(), 'payload');
    const header = decodeHeader(present(payload.getHeader(), 'header'));
    if (header.type !== common.HeaderType.ENDORSER_TRANSACTION) return null;
    const transaction = decodeTransaction(payload.getData_asU8());
    return { txId: header.txId, timestamp: header.timestamp, transaction };
  } catch {
    return null;
  }
}
