/**
 * The peer's end of the chaincode stream: dials a `fabric-shim` server, registers it, runs transactions on it, and dials
 * again with back-off when it goes away.
 * Source: hyperledger/fabric core/chaincode/handler.go; fabric-protos peer/chaincode_shim.proto.
 * @module
 */
import { credentials, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { ChaincodeError, MalformedMessageError } from './errors.js';
import { decode } from './messages.js';
import type { HospitalOptions, PeerLog } from './options.js';
import type { Simulator } from './simulator.js';
import { StateAnswers, type HistoryReader } from './state-answers.js';

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
const REDIAL_LEAST_MS = 50;
const REDIAL_MOST_MS = 2_000;
const MESSAGE_BYTES_MAX = 100 * 1024 * 1024;

interface Running {
  readonly call: ChaincodeCall;
  readonly answers: StateAnswers;
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
      if (current !== stream) return;
      try {
        receive(message);
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw error;
        log.error({ address, error: error.message }, 'chaincode sent a malformed message');
        lost(current, error);
      }
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
    send(Type.READY, undefined, BATCHES_OFFERED);
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
    if (state === undefined) {
      answerLate(message);
      return;
    }
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
      const payload = state.answers.answer(type, message.getPayload_asU8());
      send(Type.RESPONSE, state.call, payload);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      send(Type.ERROR, state.call, Buffer.from(text, 'utf8'));
    }
  }

  /** A call that timed out may still ask: unanswered, its contract would wait for ever. */
  function answerLate(message: Message): void {
    if (message.getType() === Type.COMPLETED || message.getType() === Type.ERROR) return;
    const call = { txId: message.getTxid(), channel: message.getChannelId() };
    send(Type.ERROR, call, Buffer.from('ERR_CHAINCODE: the transaction has ended'));
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
      const current = stream;
      if (current === null) {
        throw new ChaincodeError({ address, reason: 'chaincode stream terminated' });
      }
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
          answers: new StateAnswers(call.simulator, options.history),
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
        current.write(message);
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
const BATCHES_OFFERED = batchesOffered();

/** As a peer of Fabric 3.1 offers them. */
function batchesOffered(): Uint8Array {
  const offer = new peer.ChaincodeAdditionalParams();
  offer.setUseWriteBatch(true);
  offer.setMaxSizeWriteBatch(1_000);
  offer.setUseGetMultipleKeys(true);
  offer.setMaxSizeGetMultipleKeys(1_000);
  return offer.serializeBinary();
}

function credentialsFor(options: ChaincodeStreamOptions): ChannelCredentials {
  if (options.tls === undefined) return credentials.createInsecure();
  const { rootPem, client } = options.tls;
  return credentials.createSsl(
    Buffer.from(rootPem),
    client === undefined ? null : Buffer.from(client.privateKeyPem),
    client === undefined ? null : Buffer.from(client.certificatePem),
  );
}
