/**
 * What every ledger owes its clients and contracts: one suite for the embedded peer and for a real Fabric network.
 */
import { createHash, createPrivateKey, randomBytes } from 'node:crypto';
import {
  CommitStatusError,
  EndorseError,
  GatewayError,
  type SubmitError,
  checkpointers,
  connect,
  hash,
  signers,
  type ChaincodeEvent,
} from '@hyperledger/fabric-gateway';
import {
  common,
  gateway as gatewayProtos,
  ledger as ledgerProtos,
  peer,
} from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onceLevel } from '../level-endorsers.js';
import {
  commit as commitOnce,
  failure,
  openClient,
  text,
  type LedgerUnderTest,
  type TestClient,
} from './ledger-fixture.js';

/** A peer that only follows may be a block behind the one that a client asks. */
const SOON = { timeout: 30_000, interval: 100 };

const commit: typeof commitOnce = (...call) => onceLevel(() => commitOnce(...call));

/** What qscc and gRPC show of a status. */
const GRPC = { unknown: 2, notFound: 5, permissionDenied: 7, failedPrecondition: 9, aborted: 10 };

export function describeLedger(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(name, { timeout: 60_000 }, () => {
    let ledger: LedgerUnderTest;
    let h1: TestClient;
    let h2: TestClient;
    let keys = 0;
    const fresh = (): string => `key-${++keys}-${randomBytes(4).toString('hex')}`;

    beforeAll(async () => {
      ledger = await open();
      const [first, second] = ledger.mspIds as [string, string];
      h1 = openClient(ledger, first, ledger.identity(first));
      h2 = openClient(ledger, second, ledger.identity(second));
    });
    afterAll(async () => {
      h1.close();
      h2.close();
      await ledger.close();
    });

    describe('transactions', () => {
      it('commits a write that another organisation then reads', async () => {
        const key = fresh();
        const { code, result } = await commit(h1.contract, 'put', key, 'value');
        expect({ code, result }).toEqual({ code: 0, result: 'value' });
        await expect
          .poll(async () => text(await h2.contract.evaluateTransaction('get', key)), SOON)
          .toBe('value');
      });

      it('leaves no trace of an evaluated write', async () => {
        const key = fresh();
        await h1.contract.evaluateTransaction('put', key, 'value');
        expect(text(await h1.contract.evaluateTransaction('get', key))).toBe('');
      });

      it('leaves no trace of a transaction that was endorsed and not submitted', async () => {
        const key = fresh();
        await h1.contract.newProposal('put', { arguments: [key, 'value'] }).endorse();
        await commit(h1.contract, 'noop');
        expect(text(await h1.contract.evaluateTransaction('get', key))).toBe('');
      });

      it('gives a contract the state before its own writes', async () => {
        const key = fresh();
        expect((await commit(h1.contract, 'readOwnWrite', key, 'new')).result).toBe('');
        expect((await commit(h1.contract, 'readOwnWrite', key, 'newer')).result).toBe('new');
      });

      it('deletes', async () => {
        const key = fresh();
        await commit(h1.contract, 'put', key, 'value');
        await commit(h1.contract, 'remove', key);
        expect(text(await h1.contract.evaluateTransaction('get', key))).toBe('');
      });

      it('takes the write of an empty value as a deletion', async () => {
        const key = fresh();
        await commit(h1.contract, 'put', key, 'value');
        expect((await commit(h1.contract, 'put', key, '')).code).toBe(0);
        const range = await h1.contract.evaluateTransaction('range', key, `${key}~`);
        expect(JSON.parse(text(range))).toEqual([]);
      });

      it('passes binary arguments to the contract unchanged', async () => {
        const bytes = randomBytes(256);
        const proposal = h1.contract.newProposal('base64', { arguments: [bytes] });
        expect(Buffer.from(text(await proposal.evaluate()), 'base64')).toEqual(bytes);
      });

      it('tells the contract who calls, when, and in which transaction', async () => {
        const proposal = h1.contract.newProposal('who');
        const who = JSON.parse(text(await proposal.evaluate())) as Record<string, unknown>;
        expect(who).toMatchObject({
          mspId: ledger.mspIds[0],
          role: 'nurse',
          txId: proposal.getTransactionId(),
          channel: ledger.channel,
        });
        expect(Math.abs(Number(who['seconds']) - Date.now() / 1000)).toBeLessThan(60);
      });

      it('takes the signatures of an off-line signer', async () => {
        const mspId = ledger.mspIds[0]!;
        const identity = ledger.identity(mspId);
        const sign = signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem));
        const unsigned = connect({
          client: h1.client,
          identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
          hash: hash.sha256,
        });
        const contract = unsigned.getNetwork(ledger.channel).getContract(ledger.chaincode, 'Plain');
        const proposal = contract.newProposal('put', { arguments: [fresh(), 'offline'] });
        const signedProposal = unsigned.newSignedProposal(
          proposal.getBytes(),
          await sign(proposal.getDigest()),
        );
        const transaction = await signedProposal.endorse();
        const signedTransaction = unsigned.newSignedTransaction(
          transaction.getBytes(),
          await sign(transaction.getDigest()),
        );
        const submitted = await signedTransaction.submit();
        const status = unsigned.newSignedCommit(
          submitted.getBytes(),
          await sign(submitted.getDigest()),
        );
        expect((await status.getStatus()).code).toBe(0);
      });
    });

    describe('conflicts', () => {
      it('lets exactly one of two that read and wrote the same key be valid', async () => {
        const key = fresh();
        const endorse = () => h1.contract.newProposal('increment', { arguments: [key] }).endorse();
        const [left, right] = await Promise.all([endorse(), endorse()]);
        const submitted = await Promise.all([left.submit(), right.submit()]);
        const codes = await Promise.all(submitted.map((one) => one.getStatus()));
        expect(codes.map(({ code }) => code).sort()).toEqual([0, 11]);
        expect(text(await h1.contract.evaluateTransaction('get', key))).toBe('1');
      });

      it('lets both of two blind writes be valid', async () => {
        const key = fresh();
        const put = (value: string) =>
          h1.contract.newProposal('put', { arguments: [key, value] }).endorse();
        const [left, right] = await Promise.all([put('left'), put('right')]);
        // Both are endorsed; one after the other, because orderers may pass two on in either order.
        for (const endorsed of [left, right]) {
          expect((await (await endorsed.submit()).getStatus()).code).toBe(0);
        }
        expect(text(await h1.contract.evaluateTransaction('get', key))).toBe('right');
      });

      it('finds a phantom: a key that joined a range since it was read', async () => {
        const prefix = fresh();
        const counted = await h1.contract
          .newProposal('countRange', { arguments: [prefix, `${prefix}~`, `${prefix}~count`] })
          .endorse();
        await commit(h1.contract, 'put', `${prefix}-1`, 'x');
        expect((await (await counted.submit()).getStatus()).code).toBe(12);
      });

      it('does not mind a key that joined behind the part of the range that was read', async () => {
        const prefix = fresh();
        // More than one page of the chaincode stream, so that the ledger knows where reading ended.
        await commit(h1.contract, 'putMany', prefix, '150');
        const first = await onceLevel(() =>
          h1.contract
            .newProposal('firstOfRange', { arguments: [prefix, `${prefix}~`, '1', `${prefix}~f`] })
            .endorse(),
        );
        await commit(h1.contract, 'put', `${prefix}99999`, 'x');
        expect((await (await first.submit()).getStatus()).code).toBe(0);
      });

      it('gives the second copy of an envelope code 9, or refuses it', async () => {
        const transaction = await h1.contract
          .newProposal('put', { arguments: [fresh(), 'once'] })
          .endorse();
        const submitted = await transaction.submit();
        expect((await submitted.getStatus()).code).toBe(0);
        await transaction.submit().catch((error: unknown) => {
          expect((error as SubmitError).name).toBe('SubmitError');
        });
        const { code } = await commit(h1.contract, 'noop');
        expect(code).toBe(0);
        expect((await submitted.getStatus()).code).toBe(0);
        const codes = await codesOf(h1, transaction.getTransactionId());
        expect(codes[0]).toBe(0);
        expect(codes.slice(1).every((again) => again === 9)).toBe(true);
      });

      it('gives a transaction with too few endorsements code 10', async () => {
        const transaction = await h1.contract
          .newProposal('put', { arguments: [fresh(), 'x'] })
          .endorse();
        const { code } = await submitChanged(h1, transaction.getBytes(), (action) => {
          action.setEndorsementsList(action.getEndorsementsList().slice(0, 1));
        });
        expect(code).toBe(10);
      });

      it('counts two endorsements of one organisation once', async () => {
        const transaction = await h1.contract
          .newProposal('put', { arguments: [fresh(), 'x'] })
          .endorse();
        const { code } = await submitChanged(h1, transaction.getBytes(), (action) => {
          const [first] = action.getEndorsementsList();
          action.setEndorsementsList([first!, first!]);
        });
        expect(code).toBe(10);
      });

      it('gives a transaction whose endorsed bytes were changed code 10', async () => {
        const transaction = await h1.contract
          .newProposal('put', { arguments: [fresh(), 'x'] })
          .endorse();
        const { code } = await submitChanged(h1, transaction.getBytes(), (action) => {
          const response = peer.ProposalResponsePayload.deserializeBinary(
            action.getProposalResponsePayload_asU8(),
          );
          const inner = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
          inner.setEvents(Buffer.alloc(0));
          inner.getResponse()?.setMessage('changed');
          response.setExtension$(inner.serializeBinary());
          action.setProposalResponsePayload(response.serializeBinary());
        });
        expect(code).toBe(10);
      });
    });

    describe('ranges and keys', () => {
      it('gives 1,000 keys in order, over many pages', async () => {
        const prefix = fresh();
        await commit(h1.contract, 'putMany', prefix, '1000');
        const result = await h1.contract.evaluateTransaction('range', prefix, `${prefix}~`);
        const keysFound = (JSON.parse(text(result)) as [string, string][]).map(([key]) => key);
        expect(keysFound).toHaveLength(1000);
        expect(keysFound).toEqual([...keysFound].sort());
      });

      it('keeps several queries of one transaction apart', async () => {
        const prefix = fresh();
        await commit(h1.contract, 'putMany', prefix, '250');
        const counts = await h1.contract.evaluateTransaction('interleaved', prefix);
        expect(JSON.parse(text(counts))).toEqual([250, 250]);
      });

      it('includes the start key and excludes the end key', async () => {
        const prefix = fresh();
        await commit(h1.contract, 'putMany', prefix, '3');
        const result = await h1.contract.evaluateTransaction(
          'range',
          `${prefix}00000`,
          `${prefix}00002`,
        );
        expect(JSON.parse(text(result))).toEqual([
          [`${prefix}00000`, '0'],
          [`${prefix}00001`, '1'],
        ]);
      });

      it('finds composite keys by their first attributes', async () => {
        const type = fresh();
        for (const path of ['icu/1', 'icu/2', 'er/1']) {
          await commit(h1.contract, 'putComposite', type, path);
        }
        const list = (path: string) => h1.contract.evaluateTransaction('listComposite', type, path);
        expect(JSON.parse(text(await list('icu')))).toEqual(['icu/1', 'icu/2']);
        expect(JSON.parse(text(await list('')))).toEqual(['er/1', 'icu/1', 'icu/2']);
      });

      it('turns pages with a bookmark, and refuses a page to a transaction that writes', async () => {
        const prefix = fresh();
        await commit(h1.contract, 'putMany', prefix, '5');
        const found: string[] = [];
        let bookmark = '';
        do {
          const page = await h1.contract.evaluateTransaction(
            'page',
            prefix,
            `${prefix}~`,
            '2',
            bookmark,
          );
          const parsed = JSON.parse(text(page)) as { keys: string[]; bookmark: string };
          found.push(...parsed.keys);
          bookmark = parsed.bookmark;
        } while (bookmark !== '' && found.length < 10);
        expect(found).toHaveLength(5);
        const refused = await failure<EndorseError>(
          h1.contract.submitTransaction('pageAndWrite', prefix, `${prefix}~`),
        );
        expect(refused).toBeInstanceOf(EndorseError);
      });

      it('tells the history of a key, newest first, deletions included', async () => {
        const key = fresh();
        await commit(h1.contract, 'put', key, 'first');
        await commit(h1.contract, 'put', key, 'second');
        const { txId } = await commit(h1.contract, 'remove', key);
        const result = await h1.contract.evaluateTransaction('history', key);
        const history = JSON.parse(text(result)) as Record<string, unknown>[];
        expect(history.map(({ value, isDelete }) => [value, isDelete])).toEqual([
          ['', true],
          ['second', false],
          ['first', false],
        ]);
        expect(history[0]!['txId']).toBe(txId);
      });
    });

    describe('refusals', () => {
      it('hands a contract error to the client with its organisation, and writes nothing', async () => {
        const error = await failure<EndorseError>(
          h1.contract.submitTransaction('fail', 'ERR_OF_CONTRACT: no'),
        );
        expect(error).toBeInstanceOf(EndorseError);
        expect(error.code).toBe(GRPC.aborted);
        expect(error.details[0]).toMatchObject({ mspId: ledger.mspIds[0] });
        expect(error.details[0]!.message).toContain('chaincode response 500, ERR_OF_CONTRACT: no');
        expect(text(await h1.contract.evaluateTransaction('get', 'never'))).toBe('');
      });

      it('does the same for evaluate, with status UNKNOWN', async () => {
        const error = await failure<GatewayError>(
          h1.contract.evaluateTransaction('fail', 'ERR_X: y'),
        );
        expect(error).toBeInstanceOf(GatewayError);
        expect(error.code).toBe(GRPC.unknown);
        expect(error.details[0]!.message).toContain('ERR_X: y');
      });

      it('refuses a function that the contract does not have', async () => {
        const error = await failure<EndorseError>(h1.contract.submitTransaction('noSuchFunction'));
        expect(error.code).toBe(GRPC.aborted);
        expect(error.details[0]!.message).toContain('noSuchFunction');
      });

      it('names every organisation whose result differs', async () => {
        const error = await failure<EndorseError>(
          h1.contract.submitTransaction('processDependent'),
        );
        expect(error).toBeInstanceOf(EndorseError);
        expect(error.code).toBe(GRPC.aborted);
        expect(error.details.map(({ mspId }) => mspId)).toContain(ledger.mspIds[1]);
        expect(error.details[0]!.message).toContain('do not match');
      });

      it('refuses an unknown chaincode with FAILED_PRECONDITION', async () => {
        const other = h1.network.getContract('no-such-chaincode');
        const error = await failure<EndorseError>(other.submitTransaction('noop'));
        expect(error.code).toBe(GRPC.failedPrecondition);
      });

      it('refuses a member of an organisation that is not on the channel', async () => {
        const identity = ledger.identity(ledger.mspIds[0]!);
        const stranger = openClient(ledger, 'StrangerMSP', identity);
        const error = await failure<EndorseError>(stranger.contract.submitTransaction('noop'));
        expect(error).toBeInstanceOf(EndorseError);
        expect(JSON.stringify(error.details)).toMatch(/creator org unknown|access denied/);
        stranger.close();
      });

      it('refuses a certificate of one organisation under the name of another', async () => {
        const [first, second] = ledger.mspIds as [string, string];
        const impostor = openClient(ledger, second, ledger.identity(first));
        const error = await failure<EndorseError>(impostor.contract.submitTransaction('noop'));
        expect(error).toBeInstanceOf(EndorseError);
        impostor.close();
      });

      it('refuses a proposal that was signed with another key', async () => {
        const mspId = ledger.mspIds[0]!;
        const { certificatePem } = ledger.identity(mspId);
        const { privateKeyPem } = ledger.identity(mspId);
        const impostor = openClient(ledger, mspId, { certificatePem, privateKeyPem });
        const error = await failure<EndorseError>(impostor.contract.submitTransaction('noop'));
        expect(error).toBeInstanceOf(EndorseError);
        impostor.close();
      });

      it('tells nothing about a transaction to a stranger', async () => {
        const { txId } = await commit(h1.contract, 'noop');
        const stranger = openClient(ledger, 'StrangerMSP', ledger.identity(ledger.mspIds[0]!));
        const request = new gatewayProtos.CommitStatusRequest();
        request.setChannelId(ledger.channel);
        request.setTransactionId(txId);
        request.setIdentity(Buffer.from('nobody'));
        const signed = new gatewayProtos.SignedCommitStatusRequest();
        signed.setRequest(request.serializeBinary());
        signed.setSignature(Buffer.from('none'));
        const status = stranger.gateway.newSignedCommit(
          signed.serializeBinary(),
          Buffer.from('none'),
        );
        const error = await failure<CommitStatusError>(status.getStatus());
        expect(error).toBeInstanceOf(CommitStatusError);
        expect(error.code).toBe(GRPC.permissionDenied);
        stranger.close();
      });
    });

    describe('events', () => {
      it('delivers chaincode events in order, from a block on', async () => {
        const event = fresh();
        const start = (await commit(h1.contract, 'emit', event, '0')).blockNumber;
        for (const payload of ['1', '2', '3']) await commit(h1.contract, 'emit', event, payload);
        const received = await takeEvents(h2, event, 4, { startBlock: start });
        expect(received.map(({ payload }) => text(payload))).toEqual(['0', '1', '2', '3']);
        expect(received[0]!.chaincodeName).toBe(ledger.chaincode);
      });

      it('delivers events of the future when no start is given', async () => {
        const event = fresh();
        const events = await h1.network.getChaincodeEvents(ledger.chaincode);
        const received = first(events, (candidate) => candidate.eventName === event);
        await commit(h1.contract, 'emit', event, 'later');
        expect(text((await received).payload)).toBe('later');
        events.close();
      });

      it('gives no event of an invalid transaction', async () => {
        const key = fresh();
        const event = fresh();
        const stale = await h1.contract
          .newProposal('countRange', { arguments: [key, `${key}~`, `${key}~c`] })
          .endorse();
        const { blockNumber } = await commit(h1.contract, 'put', `${key}-1`, 'x');
        expect((await (await stale.submit()).getStatus()).code).toBe(12);
        await commit(h1.contract, 'emit', event, 'after');
        const [received] = await takeEvents(h1, null, 1, { startBlock: blockNumber });
        expect(received!.eventName).toBe(event);
      });

      it('resumes after a checkpoint without gap or duplicate', async () => {
        const event = fresh();
        const start = (await commit(h1.contract, 'emit', event, '0')).blockNumber;
        const more = await Promise.all(
          Array.from({ length: 9 }, (_, i) => commit(h1.contract, 'emit', event, String(i + 1))),
        );
        expect(more.every(({ code }) => code === 0)).toBe(true);
        const checkpointer = checkpointers.inMemory();
        const seen: string[] = [];
        for (let part = 0; part < 5; part++) {
          const options = { startBlock: start, checkpoint: checkpointer };
          const batch = await takeEvents(h1, event, 2, options);
          for (const one of batch) {
            seen.push(text(one.payload));
            await checkpointer.checkpointChaincodeEvent(one);
          }
        }
        expect(seen).toHaveLength(10);
        expect(new Set(seen).size).toBe(10);
      });
    });

    describe('blocks', () => {
      it('chains them: each names the hash of the one before, from block 0 on', async () => {
        const { blockNumber } = await commit(h1.contract, 'noop');
        const events = await h1.network.getBlockEvents({ startBlock: 0n });
        let previous: Buffer = Buffer.alloc(0);
        for await (const block of events) {
          const header = block.getHeader()!;
          expect(Buffer.from(header.getPreviousHash_asU8())).toEqual(previous);
          const data = createHash('sha256');
          for (const envelope of block.getData()!.getDataList_asU8()) data.update(envelope);
          expect(Buffer.from(header.getDataHash_asU8())).toEqual(data.digest());
          previous = headerHash(header);
          if (BigInt(header.getNumber()) === blockNumber) break;
        }
        events.close();
      });

      it('gives filtered blocks with ids, codes and event names', async () => {
        const event = fresh();
        const { txId, blockNumber } = await commit(h1.contract, 'emit', event, 'secret');
        const events = await h1.network.getFilteredBlockEvents({ startBlock: blockNumber });
        const block = await first(events, () => true);
        events.close();
        const transaction = block
          .getFilteredTransactionsList()
          .find((one) => one.getTxid() === txId);
        expect(transaction?.getTxValidationCode()).toBe(0);
        const action = transaction?.getTransactionActions()?.getChaincodeActionsList()[0];
        expect(action?.getChaincodeEvent()?.getEventName()).toBe(event);
        expect(action?.getChaincodeEvent()?.getPayload_asU8()).toHaveLength(0);
      });

      it('holds what was asked, by whom, and what came of it', async () => {
        const key = fresh();
        const { txId, blockNumber } = await commit(h1.contract, 'put', key, 'value');
        const block = await blockAt(h1, Number(blockNumber));
        const found = transactionIn(block, txId)!;
        expect(found.code).toBe(0);
        expect(found.args).toEqual(['Plain:put', key, 'value']);
        expect(found.writes).toEqual([[key, 'value']]);
        expect(found.endorserCount).toBeGreaterThanOrEqual(2);
        expect(createHash('sha256').update(found.nonce).update(found.creator).digest('hex')).toBe(
          txId,
        );
      });

      it('answers qscc: chain info, a block by number, a transaction by id', async () => {
        const { txId, blockNumber } = await commit(h1.contract, 'noop');
        const qscc = h1.network.getContract('qscc');
        const info = common.BlockchainInfo.deserializeBinary(
          await qscc.evaluateTransaction('GetChainInfo', ledger.channel),
        );
        expect(BigInt(info.getHeight())).toBeGreaterThan(blockNumber);
        const block = common.Block.deserializeBinary(
          await qscc.evaluateTransaction('GetBlockByNumber', ledger.channel, String(blockNumber)),
        );
        expect(BigInt(block.getHeader()!.getNumber())).toBe(blockNumber);
        const transaction = peer.ProcessedTransaction.deserializeBinary(
          await qscc.evaluateTransaction('GetTransactionByID', ledger.channel, txId),
        );
        expect(transaction.getValidationcode()).toBe(0);
        const error = await failure<GatewayError>(
          qscc.evaluateTransaction('GetTransactionByID', ledger.channel, '00'.repeat(32)),
        );
        expect(error.code).toBe(GRPC.unknown);
        expect(error.message).toContain('no such transaction ID');
      });
    });

    it('takes an argument of one megabyte', async () => {
      const key = fresh();
      const value = 'x'.repeat(1_000_000);
      expect((await commit(h1.contract, 'put', key, value)).code).toBe(0);
      await expect
        .poll(() => h2.contract.evaluateTransaction('get', key), SOON)
        .toHaveLength(value.length);
    });
  });
}

/** Every code that the blocks hold for one transaction id. */
async function codesOf(client: TestClient, txId: string): Promise<number[]> {
  const qscc = client.network.getContract('qscc');
  const channel = client.network.getName();
  const info = common.BlockchainInfo.deserializeBinary(
    await qscc.evaluateTransaction('GetChainInfo', channel),
  );
  const codes: number[] = [];
  for (let number = 0; number < info.getHeight(); number++) {
    const block = await blockAt(client, number);
    const found = transactionIn(block, txId);
    if (found !== null) codes.push(found.code);
  }
  return codes;
}

async function blockAt(client: TestClient, number: number): Promise<common.Block> {
  const bytes = await client.network
    .getContract('qscc')
    .evaluateTransaction('GetBlockByNumber', client.network.getName(), String(number));
  return common.Block.deserializeBinary(bytes);
}

interface FoundTransaction {
  readonly code: number;
  readonly args: string[];
  readonly writes: [string, string][];
  readonly endorserCount: number;
  readonly nonce: Uint8Array;
  readonly creator: Uint8Array;
}

function transactionIn(block: common.Block, txId: string): FoundTransaction | null {
  const codes = block.getMetadata()!.getMetadataList_asU8()[2]!;
  for (const [index, bytes] of block.getData()!.getDataList_asU8().entries()) {
    const envelope = common.Envelope.deserializeBinary(bytes);
    const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
    const header = payload.getHeader()!;
    const channel = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
    if (channel.getTxId() !== txId) continue;
    const signature = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8());
    const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
    const action = peer.ChaincodeActionPayload.deserializeBinary(
      transaction.getActionsList()[0]!.getPayload_asU8(),
    );
    const proposal = peer.ChaincodeProposalPayload.deserializeBinary(
      action.getChaincodeProposalPayload_asU8(),
    );
    const invocation = peer.ChaincodeInvocationSpec.deserializeBinary(proposal.getInput_asU8());
    const endorsed = action.getAction()!;
    const response = peer.ProposalResponsePayload.deserializeBinary(
      endorsed.getProposalResponsePayload_asU8(),
    );
    const chaincodeAction = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
    const { TxReadWriteSet, kvrwset } = ledgerProtos.rwset;
    const writes = TxReadWriteSet.deserializeBinary(chaincodeAction.getResults_asU8())
      .getNsRwsetList()
      .flatMap((namespace) =>
        kvrwset.KVRWSet.deserializeBinary(namespace.getRwset_asU8()).getWritesList(),
      )
      .map((write): [string, string] => [write.getKey(), text(write.getValue_asU8())]);
    return {
      code: codes[index]!,
      args: invocation.getChaincodeSpec()!.getInput()!.getArgsList_asU8().map(text),
      writes,
      endorserCount: endorsed.getEndorsementsList().length,
      nonce: signature.getNonce_asU8(),
      creator: signature.getCreator_asU8(),
    };
  }
  return null;
}

/** Changes the endorsed action of a prepared transaction, signs the result properly, submits it. */
async function submitChanged(
  client: TestClient,
  prepared: Uint8Array,
  change: (action: peer.ChaincodeEndorsedAction) => void,
): Promise<{ code: number }> {
  const message = gatewayProtos.PreparedTransaction.deserializeBinary(prepared);
  const envelope = message.getEnvelope()!;
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
  const action = transaction.getActionsList()[0]!;
  const actionPayload = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8());
  change(actionPayload.getAction()!);
  action.setPayload(actionPayload.serializeBinary());
  payload.setData(transaction.serializeBinary());
  envelope.setPayload(payload.serializeBinary());
  envelope.setSignature('');
  const changed = client.gateway.newTransaction(message.serializeBinary());
  return (await changed.submit()).getStatus();
}

/** The header hash by the rule of Fabric, written out once more: SHA-256(DER(number, previous hash, data hash)). */
function headerHash(header: common.BlockHeader): Buffer {
  let hex = header.getNumber().toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
  const number = Buffer.from(hex, 'hex');
  const previous = Buffer.from(header.getPreviousHash_asU8());
  const data = Buffer.from(header.getDataHash_asU8());
  const body = Buffer.concat([
    Buffer.of(2, number.length),
    number,
    Buffer.of(4, previous.length),
    previous,
    Buffer.of(4, data.length),
    data,
  ]);
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(0x30, body.length), body]))
    .digest();
}

/** The first item that fits; later ones are left alone. */
async function first<T>(items: AsyncIterable<T>, fits: (item: T) => boolean): Promise<T> {
  for await (const item of items) if (fits(item)) return item;
  throw new Error('the stream ended');
}

async function takeEvents(
  client: TestClient,
  name: string | null,
  count: number,
  options: Parameters<TestClient['network']['getChaincodeEvents']>[1],
): Promise<ChaincodeEvent[]> {
  const events = await client.network.getChaincodeEvents(
    client.contract.getChaincodeName(),
    options,
  );
  const taken: ChaincodeEvent[] = [];
  try {
    for await (const event of events) {
      if (name === null || event.eventName === name) taken.push(event);
      if (taken.length === count) break;
    }
  } finally {
    events.close();
  }
  return taken;
}
