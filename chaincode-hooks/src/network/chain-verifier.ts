/**
 * An outside reader's verdict on a stopped network: the chains on the peers' disks, with nothing believed that can be computed
 * again. Trusted are the roots and orderer certificates in the network's own folder, and the rule "m of n".
 *
 * Recomputed: hash chain and data hashes of every peer; that all peers hold one chain; the orderers' signatures on each block;
 * of each valid transaction its creator's signature, id, proposal hash and endorsements; and from the versions that were
 * read, every valid transaction and every MVCC conflict. Not recomputed: phantom conflicts, and the lifecycle's own policy.
 * @module
 */
import { X509Certificate, verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { common } from '@hyperledger/fabric-protos';
import { walkBlock, type DecodedTransaction } from '../block-walk.js';
import { octetString, sequence, smallInteger } from '../embedded-peer/der.js';
import { BlockCorruptError, IdentityRefusedError } from '../embedded-peer/errors.js';
import {
  createMembership,
  memberSigned,
  type Member,
  type Membership,
} from '../embedded-peer/membership.js';
import {
  decodeHeader,
  decodeTransaction,
  proposalHashOf,
  transactionIdOf,
} from '../embedded-peer/messages.js';
import { ordererCertificate } from './channel-profile.js';
import { rootFileOf } from './crypto-material.js';
import { chainDir, readPeerBlocks, readVarint, type PeerBlock } from './peer-blocks.js';
import type { Topology } from './topology.js';

export interface ChainReport {
  readonly blocks: number;
  readonly transactions: number;
  /** Validation code → how many transactions have it. */
  readonly codes: Readonly<Record<number, number>>;
  /** Fewest different hospitals that endorsed a valid transaction of a chaincode of ours. */
  readonly endorsementsLeast: number;
  /** Fewest orderers that signed a block after the first. */
  readonly ordererSignaturesLeast: number;
  /** Blocks that each peer holds, in order of the hospitals. */
  readonly peerHeights: readonly number[];
  readonly headHash: string;
}

const VALID = 0;
const MVCC_CONFLICT = 11;
const LIFECYCLE = '_lifecycle';

/** The chain of the peer that has most of it. */
export function longestChainDir(topology: Topology): string {
  const dirs = topology.hospitals.map(({ peer }) => chainDir(peer.dir, topology.channel));
  const heights = dirs.map((dir) => [...readPeerBlocks(dir)].length);
  return dirs[heights.indexOf(Math.max(...heights))]!;
}

/** @throws {BlockCorruptError} `ERR_BLOCK_CORRUPT` at the first block that does not hold, with file, offset and reason */
export function verifyNetworkChain(topology: Topology): ChainReport {
  const peerHeights = requireOneChain(topology);
  const membership = createMembership(
    [...topology.hospitals, topology.ops].map((organisation) => ({
      mspId: organisation.mspId,
      rootPem: readFileSync(rootFileOf(organisation), 'utf8'),
      active: true,
    })),
  );
  const orderers = new Map(
    topology.hospitals.map((hospital) => {
      const certificate = new X509Certificate(readFileSync(ordererCertificate(hospital)));
      return [hospital.number, certificate.publicKey] as const;
    }),
  );
  const versions = new Map<string, string>();
  const codes: Record<number, number> = {};
  let [blocks, transactions] = [0, 0];
  let endorsementsLeast = Number.POSITIVE_INFINITY;
  let ordererSignaturesLeast = Number.POSITIVE_INFINITY;
  let headHash = '';
  for (const block of readPeerBlocks(longestChainDir(topology))) {
    const corrupt = (reason: string): never => {
      const { file, offset, number } = block;
      throw new BlockCorruptError({ file, offset, block: number, reason });
    };
    blocks++;
    headHash = block.headerHash.toString('hex');
    if (block.number > 0) {
      ordererSignaturesLeast = Math.min(ordererSignaturesLeast, signatureCount(block, orderers));
    }
    for (const transaction of walkBlock(block.bytes)) {
      transactions++;
      codes[transaction.code] = (codes[transaction.code] ?? 0) + 1;
      const stale = transaction.reads.some(
        (read) => versions.get(keyOf(read)) !== versionOf(read.version),
      );
      if (transaction.code === MVCC_CONFLICT && !stale) {
        corrupt(`${transaction.txId} has code 11, but everything it read was current`);
      }
      if (transaction.code !== VALID) continue;
      if (stale) corrupt(`${transaction.txId} is valid, but read a version that was not current`);
      const endorsers = signersOf(block.envelopes[transaction.index]!, membership, corrupt);
      if (transaction.chaincode !== LIFECYCLE) {
        endorsementsLeast = Math.min(endorsementsLeast, endorsers);
      }
      apply(versions, block.number, transaction);
    }
  }
  const finite = (count: number): number => (Number.isFinite(count) ? count : 0);
  return {
    blocks,
    transactions,
    codes,
    endorsementsLeast: finite(endorsementsLeast),
    ordererSignaturesLeast: finite(ordererSignaturesLeast),
    peerHeights,
    headHash,
  };
}

/** Every peer's chain is a beginning of the longest. */
function requireOneChain({ hospitals, channel }: Topology): number[] {
  const chains = hospitals.map(({ peer }) => [...readPeerBlocks(chainDir(peer.dir, channel))]);
  const longest = chains.reduce((a, b) => (b.length > a.length ? b : a));
  for (const chain of chains) {
    const last = chain.at(-1);
    if (last === undefined || last.headerHash.equals(longest[chain.length - 1]!.headerHash))
      continue;
    const { file, offset, number } = last;
    const reason = 'another peer holds another block of this number';
    throw new BlockCorruptError({ file, offset, block: number, reason });
  }
  return chains.map((chain) => chain.length);
}

/** How many different orderers signed the block: value ‖ header of the signature ‖ DER of the block's header. */
function signatureCount(block: PeerBlock, orderers: ReadonlyMap<number, KeyObject>): number {
  const metadata = lengthDelimited(block.metadata[0] ?? new Uint8Array(0));
  const value = metadata.get(1)?.[0] ?? new Uint8Array(0);
  const header = common.Block.deserializeBinary(block.bytes).getHeader()!;
  const signedHeader = sequence(
    smallInteger(header.getNumber()),
    octetString(header.getPreviousHash_asU8()),
    octetString(header.getDataHash_asU8()),
  );
  const signers = new Set<number>();
  for (const each of metadata.get(2) ?? []) {
    const fields = lengthDelimited(each);
    const [signature] = fields.get(2) ?? [];
    // BFT names the consenter by number (3), Raft by its certificate (1); the key decides in both.
    const [part] = fields.get(3) ?? fields.get(1) ?? [];
    if (signature === undefined || part === undefined) continue;
    const data = Buffer.concat([value, part, signedHeader]);
    for (const [number, key] of orderers) {
      if (verify('sha256', data, key, signature)) signers.add(number);
    }
  }
  return signers.size;
}

/**
 * The length-delimited fields of a message, by number. `common.MetadataSignature` is read by hand because its third field is
 * younger than the messages that fabric-shim brings along, and both register under one global name.
 */
function lengthDelimited(message: Uint8Array): Map<number, Buffer[]> {
  const bytes = Buffer.from(message);
  const fields = new Map<number, Buffer[]>();
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    const length = tag === null ? null : readVarint(bytes, tag.next);
    if (tag === null || length === null || tag.value % 8 !== 2) break;
    const number = Math.floor(tag.value / 8);
    at = length.next + length.value;
    fields.set(number, [...(fields.get(number) ?? []), bytes.subarray(length.next, at)]);
  }
  return fields;
}

/** Creator, id, proposal hash; returns how many different hospitals endorsed these bytes. */
function signersOf(
  bytes: Uint8Array,
  membership: Membership,
  corrupt: (reason: string) => never,
): number {
  const envelope = common.Envelope.deserializeBinary(bytes);
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const header = decodeHeader(payload.getHeader()!);
  const creator = memberOrNull(membership, header.creator);
  const signature = envelope.getSignature_asU8();
  if (creator === null || !memberSigned(creator, envelope.getPayload_asU8(), signature)) {
    return corrupt(`${header.txId}: not signed by its creator`);
  }
  if (header.txId !== transactionIdOf(header.nonce, header.creator)) {
    return corrupt(`${header.txId}: the id is not that of nonce and creator`);
  }
  const transaction = decodeTransaction(payload.getData_asU8());
  if (!proposalHashOf(header, transaction.publicPayload).equals(transaction.proposalHash)) {
    return corrupt(`${header.txId}: endorsed was another proposal`);
  }
  const agreed = new Set<string>();
  for (const { endorser, signature: mark } of transaction.endorsements) {
    const member = memberOrNull(membership, endorser);
    if (member?.role !== 'peer') continue;
    if (memberSigned(member, Buffer.concat([transaction.responsePayload, endorser]), mark)) {
      agreed.add(member.mspId);
    }
  }
  return agreed.size;
}

function memberOrNull(membership: Membership, identity: Uint8Array): Member | null {
  try {
    return membership.memberOf(identity);
  } catch (error) {
    if (error instanceof IdentityRefusedError) return null;
    throw error;
  }
}

function apply(
  versions: Map<string, string>,
  block: number,
  { index, writes }: DecodedTransaction,
): void {
  for (const write of writes) {
    if (write.isDelete || write.value.length === 0) versions.delete(keyOf(write));
    else versions.set(keyOf(write), `${block}:${index}`);
  }
}

function keyOf({
  namespace,
  key,
}: DecodedTransaction['reads'][number] | DecodedTransaction['writes'][number]): string {
  return [namespace, ...key].join('\0');
}

function versionOf(version: DecodedTransaction['reads'][number]['version']): string | undefined {
  return version === null ? undefined : `${version.block}:${version.transaction}`;
}
