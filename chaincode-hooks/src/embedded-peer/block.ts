/**
 * Blocks: how they are put together, and the hashes that chain them.
 * Source: hyperledger/fabric protoutil/blockutils.go (BlockHeaderBytes: DER of number, previous hash, data hash;
 * data hash: SHA-256 over the concatenated envelopes).
 * @module
 */
import { common } from '@hyperledger/fabric-protos';
import { octetString, sequence, smallInteger } from './der.js';
import { sha256 } from './messages.js';

/** `common.BlockMetadataIndex`. */
const METADATA = { signatures: 0, lastConfig: 1, transactionsFilter: 2, orderer: 3, commitHash: 4 };

export interface BlockParts {
  readonly number: number;
  /** Header hash of the block before; empty for block 0. */
  readonly previousHash: Uint8Array;
  readonly envelopes: readonly Uint8Array[];
  /** One validation code per envelope. */
  readonly codes: Uint8Array;
  /** Number of the newest configuration block, this one included. */
  readonly lastConfig: number;
}

export function headerHashOf(
  header: Readonly<{ number: number; previousHash: Uint8Array; dataHash: Uint8Array }>,
): Buffer {
  return sha256(
    sequence(
      smallInteger(header.number),
      octetString(header.previousHash),
      octetString(header.dataHash),
    ),
  );
}

export function dataHashOf(envelopes: readonly Uint8Array[]): Buffer {
  return sha256(...envelopes);
}

export function buildBlock(parts: BlockParts): { bytes: Uint8Array; headerHash: Buffer } {
  const dataHash = dataHashOf(parts.envelopes);
  const header = new common.BlockHeader();
  header.setNumber(parts.number);
  header.setPreviousHash(parts.previousHash);
  header.setDataHash(dataHash);
  const data = new common.BlockData();
  data.setDataList([...parts.envelopes]);
  const lastConfig = new common.LastConfig();
  lastConfig.setIndex(parts.lastConfig);
  const configMetadata = new common.Metadata();
  configMetadata.setValue(lastConfig.serializeBinary());
  const metadata = new common.BlockMetadata();
  const slots: Uint8Array[] = Object.values(METADATA).map(() => new Uint8Array(0));
  slots[METADATA.lastConfig] = configMetadata.serializeBinary();
  slots[METADATA.transactionsFilter] = parts.codes;
  metadata.setMetadataList(slots);
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(metadata);
  const headerHash = headerHashOf({ ...parts, dataHash });
  return { bytes: block.serializeBinary(), headerHash };
}

export interface DecodedBlock {
  readonly number: number;
  readonly previousHash: Uint8Array;
  readonly dataHash: Uint8Array;
  readonly envelopes: readonly Uint8Array[];
  readonly codes: Uint8Array;
  readonly lastConfig: number;
}

/** Throws whatever the decoder throws: the caller knows the place. */
export function decodeBlock(block: common.Block): DecodedBlock {
  const header = block.getHeader();
  const slots = block.getMetadata()?.getMetadataList_asU8() ?? [];
  const configMetadata = common.Metadata.deserializeBinary(
    slots[METADATA.lastConfig] ?? new Uint8Array(0),
  );
  return {
    number: header?.getNumber() ?? 0,
    previousHash: header?.getPreviousHash_asU8() ?? new Uint8Array(0),
    dataHash: header?.getDataHash_asU8() ?? new Uint8Array(0),
    envelopes: block.getData()?.getDataList_asU8() ?? [],
    codes: slots[METADATA.transactionsFilter] ?? new Uint8Array(0),
    lastConfig: common.LastConfig.deserializeBinary(configMetadata.getValue_asU8()).getIndex(),
  };
}
