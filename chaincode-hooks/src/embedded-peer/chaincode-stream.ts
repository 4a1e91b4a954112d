/**
 * The peer's end of the chaincode stream: dials a `fabric-shim` server, registers it, runs transactions on it, answers
 * its questions about state, and dials again with back-off when it goes away.
 * Source: hyperledger/fabric core/chaincode/handler.go; fabric-protos peer/chaincode_shim.proto.
 * @module
 */
import { credentials, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { ledger, peer } from '@hyperledger/fabric-protos';
import { ChaincodeError } from './errors.js';
import { decode } from './messages.js';
import type { HospitalOptions, PeerLog } from './options.js';
import type { KeyValue, RangeCursor, Simulator } from './simulator.js';

export interface ChaincodeCall {
  readonly channel: string;
  readonly txId: string;
  readonly args: readonly Uint8Array[];
  /** The shim reads creator, nonce and timestamp from it. */
  readonly proposal: peer.SignedProposal;
  readonly simulator: Simulator;
}

export interface ChaincodeOutcome {
  readonly response: peer.Response;
  /** Name and payload as the contract set them; ids are the peer's to fill in. */
  readonly event: peer.ChaincodeEvent | null;
}

/** Past writes of a key, newest first, for GetHistoryForKey. */
export type HistoryReader = (key: string) => Iterable<ledger.queryresult.KeyModification>;

export interface ChaincodeStreamOptions {
  readonly address: string;
  readonly packageId: string;
  readonly tls?: HospitalOptions['chaincodeTls'];
  readonly executeTimeoutMs: number;
  readonly waitMs: number;
  readonly history: HistoryReader;
  readonly log: PeerLog;
}

export interface ChaincodeStream {
  readonly ready: boolean;
  /** Resolves when the stream is registered, at once if it is; also when it is closed, since it never will be. */
  whenReady(): Promise<void>;
  /** @throws {ChaincodeError} server away, stream lost, timeout, or a message out of turn */
  execute(call: ChaincodeCall): Promise<ChaincodeOutcome>;
  close(): void;
}

type Message = peer.ChaincodeMessage;
type Stream = ClientDuplexStream<Message, Message>;

const { Type } = peer.ChaincodeMessage;
const PAGE_RESULTS = 100;
const REDIAL_LEAST_MS = 50;
const REDIAL_MOST_MS = 2_000;
const MESSAGE_BYTES_MAX = 100 * 1024 * 1024;

interface Running {
  readonly call: ChaincodeCall;
  readonly cursors: Map<string, Pages>;
  resolve(outcome: ChaincodeOutcome): void;
  reject(error: ChaincodeError): void;
}

export function openChaincodeStream(options: ChaincodeStreamOptions): ChaincodeStream {
  const { address, log } = options;
  const client = new peer.ChaincodeClient(address, credentialsFor(options), {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    // Every stream is a connection of its own, so that a dead server is noticed by its own endorser.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': REDIAL_LEAST_MS,
    'grpc.max_reconnect_backoff_ms': REDIAL_MOST_MS,
  });
  const running = new Map<string, Running>();
  const waiting = new Set<() => void>();
  let stream: Stream | null = null;
  let ready = false;
  let closed = false;
  let redialMs = REDIAL_LEAST_MS;
  let redial: NodeJS.Timeout | undefined;

  function dial(): void {
    const current: Stream = client.connect();
    stream = current;
    current.on('data', (message: Message) => {
      if (current === stream) receive(message);
    });
    current.on('error', (cause) => lost(current, cause));
    current.on('end', () => lost(current, undefined));
  }

  function lost(which: Stream, cause: Error | undefined): void {
    if (which !== stream) return;
    const wasReady = ready;
    stream = null;
    ready = false;
    which.cancel();
    for (const call of running.values()) {
      const reason = 'error sending: chaincode stream terminated';
      call.reject(new ChaincodeError({ address, reason, cause }));
    }
    running.clear();
    if (closed) return;
    if (wasReady) log.warn({ address }, 'chaincode stream lost; dialling again');
    redial = setTimeout(dial, redialMs);
    redialMs = Math.min(2 * redialMs, REDIAL_MOST_MS);
  }

  function register(message: Message): void {
    const got = decode(peer.ChaincodeID, message.getPayload_asU8(), 'REGISTER').getName();
    if (got !== options.packageId) {
      log.error({ address, got, expected: options.packageId }, 'chaincode has another package id');
      if (stream !== null) lost(stream, undefined);
      return;
    }
    send(Type.REGISTERED);
    send(Type.READY);
    ready = true;
    redialMs = REDIAL_LEAST_MS;
    log.info({ address }, 'chaincode registered');
    for (const wake of [...waiting]) wake();
  }

  function send(
    type: number,
    call?: Pick<ChaincodeCall, 'txId' | 'channel'>,
    payload: Uint8Array = EMPTY,
  ): void {
    const message = new peer.ChaincodeMessage();
    message.setType(type as MessageType);
    if (call !== undefined) {
      message.setTxid(call.txId);
      message.setChannelId(call.channel);
    }
    message.setPayload(payload);
    stream?.write(message);
  }

  function receive(message: Message): void {
    const type = message.getType();
    if (type === Type.KEEPALIVE) return;
    if (type === Type.REGISTER) {
      register(message);
      return;
    }
    const state = running.get(message.getTxid());
    if (state === undefined) return; // a late answer of a call that timed out
    if (type === Type.COMPLETED) {
      running.delete(message.getTxid());
      const response = decode(peer.Response, message.getPayload_asU8(), 'response');
      state.resolve({ response, event: message.getChaincodeEvent() ?? null });
      return;
    }
    if (type === Type.ERROR) {
      running.delete(message.getTxid());
      const reason = Buffer.from(message.getPayload_asU8()).toString('utf8');
      state.reject(new ChaincodeError({ address, reason }));
      return;
    }
    try {
      send(Type.RESPONSE, state.call, answer(state, type, message.getPayload_asU8()));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      send(Type.ERROR, state.call, Buffer.from(text, 'utf8'));
    }
  }

  /** The value that the contract asked for; what it throws reaches the contract as a rejected promise. */
  function answer(state: Running, type: number, payload: Uint8Array): Uint8Array {
    const { simulator } = state.call;
    switch (type) {
      case Type.GET_STATE: {
        const request = decode(peer.GetState, payload, 'GET_STATE');
        refuseCollection(request.getCollection());
        return simulator.getState(request.getKey()) ?? EMPTY;
      }
      case Type.PUT_STATE: {
        const request = decode(peer.PutState, payload, 'PUT_STATE');
        refuseCollection(request.getCollection());
        simulator.putState(request.getKey(), request.getValue_asU8());
        return EMPTY;
      }
      case Type.DEL_STATE: {
        const request = decode(peer.DelState, payload, 'DEL_STATE');
        refuseCollection(request.getCollection());
        simulator.putState(request.getKey(), null);
        return EMPTY;
      }
      case Type.GET_STATE_METADATA: {
        // Key policies are not supported, so no key has metadata.
        refuseCollection(decode(peer.GetStateMetadata, payload, 'metadata').getCollection());
        return new peer.StateMetadataResult().serializeBinary();
      }
      case Type.GET_STATE_BY_RANGE:
        return rangeAnswer(state, decode(peer.GetStateByRange, payload, 'range'));
      case Type.GET_HISTORY_FOR_KEY: {
        const key = decode(peer.GetHistoryForKey, payload, 'history').getKey();
        const pages = historyPages(options.history(key)[Symbol.iterator]());
        return nextPage(state, `history:${state.cursors.size}`, pages);
      }
      case Type.QUERY_STATE_NEXT: {
        const id = decode(peer.QueryStateNext, payload, 'query').getId();
        const cursor = state.cursors.get(id);
        if (cursor === undefined) throw new Error(`ERR_CHAINCODE: query ${id} is not open`);
        return nextPage(state, id, cursor);
      }
      case Type.QUERY_STATE_CLOSE: {
        const id = decode(peer.QueryStateClose, payload, 'query').getId();
        state.cursors.delete(id);
        const closing = new peer.QueryResponse();
        closing.setId(id);
        return closing.serializeBinary();
      }
      default: {
        const name = Object.entries(Type).find(([, value]) => value === type)?.[0] ?? String(type);
        throw new Error(`ERR_CHAINCODE: the development ledger does not support ${name}`);
      }
    }
  }

  function rangeAnswer(state: Running, request: peer.GetStateByRange): Uint8Array {
    refuseCollection(request.getCollection());
    const { simulator } = state.call;
    const metadata = request.getMetadata_asU8();
    if (metadata.length === 0) {
      const cursor = simulator.openRange(request.getStartkey(), request.getEndkey());
      return nextPage(state, `range:${state.cursors.size}`, rangePages(cursor));
    }
    const query = decode(peer.QueryMetadata, metadata, 'query metadata');
    const pageSize = query.getPagesize();
    if (pageSize < 1) throw new Error(`pageSize: expected at least 1, got ${pageSize}`);
    const page = simulator.page(request.getStartkey(), request.getEndkey(), {
      pageSize,
      bookmark: query.getBookmark(),
    });
    const summary = new peer.QueryResponseMetadata();
    summary.setFetchedRecordsCount(page.results.length);
    summary.setBookmark(page.bookmark);
    const response = queryResponse(page.results.map(encodeKeyValue));
    response.setId('page');
    response.setMetadata(summary.serializeBinary());
    return response.serializeBinary();
  }

  dial();
  return {
    get ready() {
      return ready;
    },
    whenReady() {
      if (ready || closed) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
    },
    async execute(call) {
      if (!ready) await readyWithin(options.waitMs);
      if (running.has(call.txId)) {
        const reason = `txid: ${call.txId}(${call.channel}) exists`;
        throw new ChaincodeError({ address, reason });
      }
      return new Promise<ChaincodeOutcome>((resolve, reject) => {
        const timer = setTimeout(() => {
          running.delete(call.txId);
          const reason = `timeout expired while executing transaction (${options.executeTimeoutMs} ms)`;
          reject(new ChaincodeError({ address, reason }));
        }, options.executeTimeoutMs);
        running.set(call.txId, {
          call,
          cursors: new Map(),
          resolve: (outcome) => {
            clearTimeout(timer);
            resolve(outcome);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
        const input = new peer.ChaincodeInput();
        input.setArgsList([...call.args]);
        const message = new peer.ChaincodeMessage();
        message.setType(Type.TRANSACTION);
        message.setTxid(call.txId);
        message.setChannelId(call.channel);
        message.setProposal(call.proposal);
        message.setPayload(input.serializeBinary());
        stream?.write(message);
      });
    },
    close() {
      closed = true;
      clearTimeout(redial);
      for (const wake of [...waiting]) wake();
      if (stream !== null) lost(stream, undefined);
      client.close();
    },
  };

  function readyWithin(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        waiting.delete(settle);
        if (ready) {
          resolve();
          return;
        }
        const reason = `could not launch chaincode ${options.packageId}: connection to ${address} failed`;
        reject(new ChaincodeError({ address, reason }));
      };
      const timer = setTimeout(settle, closed ? 0 : ms);
      waiting.add(settle);
    });
  }
}

type MessageType = (typeof Type)[keyof typeof Type];

const EMPTY = new Uint8Array(0);

function credentialsFor(options: ChaincodeStreamOptions): ChannelCredentials {
  if (options.tls === undefined) return credentials.createInsecure();
  const { rootPem, client } = options.tls;
  return credentials.createSsl(
    Buffer.from(rootPem),
    client === undefined ? null : Buffer.from(client.privateKeyPem),
    client === undefined ? null : Buffer.from(client.certificatePem),
  );
}

function refuseCollection(collection: string): void {
  if (collection !== '') {
    throw new Error('ERR_CHAINCODE: the development ledger does not support private data');
  }
}

/** Encoded results still to come. `done` is known in advance: the shim breaks on an empty last page. */
interface Pages {
  take(count: number): Uint8Array[];
  readonly done: boolean;
}

function rangePages(cursor: RangeCursor): Pages {
  return {
    take: (count) => cursor.take(count).map(encodeKeyValue),
    get done() {
      return cursor.done;
    },
  };
}

function historyPages(modifications: Iterator<ledger.queryresult.KeyModification>): Pages {
  let next = modifications.next();
  return {
    take(count) {
      const page: Uint8Array[] = [];
      for (; next.done !== true && page.length < count; next = modifications.next()) {
        page.push(next.value.serializeBinary());
      }
      return page;
    },
    get done() {
      return next.done === true;
    },
  };
}

function nextPage(state: Running, id: string, pages: Pages): Uint8Array {
  const response = queryResponse(pages.take(PAGE_RESULTS));
  response.setId(id);
  response.setHasMore(!pages.done);
  if (!pages.done) state.cursors.set(id, pages);
  return response.serializeBinary();
}

function queryResponse(results: readonly Uint8Array[]): peer.QueryResponse {
  const response = new peer.QueryResponse();
  for (const bytes of results) {
    const result = new peer.QueryResultBytes();
    result.setResultbytes(bytes);
    response.addResults(result);
  }
  return response;
}

function encodeKeyValue([key, found]: KeyValue): Uint8Array {
  const message = new ledger.queryresult.KV();
  message.setKey(key);
  message.setValue(found.value);
  return message.serializeBinary();
}
