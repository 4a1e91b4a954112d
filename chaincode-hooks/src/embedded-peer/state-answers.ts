/**
 * What a contract may ask its ledger while it is simulated, and the answers.
 * Source: hyperledger/fabric core/chaincode/handler.go; fabric-protos peer/chaincode_shim.proto.
 * @module
 */
import { ledger, peer } from '@hyperledger/fabric-protos';
import { decode } from './messages.js';
import type { KeyValue, RangeCursor, Simulator } from './simulator.js';

/** Past writes of a key, newest first. */
export type HistoryReader = (key: string) => Iterable<ledger.queryresult.KeyModification>;

const { Type } = peer.ChaincodeMessage;
const EMPTY = new Uint8Array(0);
const PAGE_RESULTS = 100;

/** The questions of one simulation. */
export class StateAnswers {
  readonly #simulator: Simulator;
  readonly #history: HistoryReader;
  readonly #open = new Map<string, Pages>();
  #queryCount = 0;

  constructor(simulator: Simulator, history: HistoryReader) {
    this.#simulator = simulator;
    this.#history = history;
  }

  /** The payload of the answer; what is thrown here reaches the contract as a rejected promise. */
  answer(type: number, payload: Uint8Array): Uint8Array {
    const simulator = this.#simulator;
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
      case Type.GET_STATE_MULTIPLE: {
        const request = decode(peer.GetStateMultiple, payload, 'GET_STATE_MULTIPLE');
        refuseCollection(request.getCollection());
        const result = new peer.GetStateMultipleResult();
        result.setValuesList(request.getKeysList().map((key) => simulator.getState(key) ?? EMPTY));
        return result.serializeBinary();
      }
      case Type.WRITE_BATCH_STATE: {
        const request = decode(peer.WriteBatchState, payload, 'WRITE_BATCH_STATE');
        for (const record of request.getRecList()) this.#write(record);
        return EMPTY;
      }
      case Type.GET_STATE_METADATA: {
        // Key policies are not supported, so no key has metadata.
        refuseCollection(decode(peer.GetStateMetadata, payload, 'metadata').getCollection());
        return new peer.StateMetadataResult().serializeBinary();
      }
      case Type.GET_STATE_BY_RANGE:
        return this.#range(decode(peer.GetStateByRange, payload, 'range'));
      case Type.GET_HISTORY_FOR_KEY: {
        const key = decode(peer.GetHistoryForKey, payload, 'history').getKey();
        const pages = historyPages(this.#history(key)[Symbol.iterator]());
        return this.#page(this.#newQuery(), pages);
      }
      case Type.QUERY_STATE_NEXT: {
        const id = decode(peer.QueryStateNext, payload, 'query').getId();
        const pages = this.#open.get(id);
        if (pages === undefined) throw new Error(`ERR_CHAINCODE: query ${id} is not open`);
        return this.#page(id, pages);
      }
      case Type.QUERY_STATE_CLOSE: {
        const id = decode(peer.QueryStateClose, payload, 'query').getId();
        this.#open.delete(id);
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

  #write(record: peer.WriteRecord): void {
    refuseCollection(record.getCollection());
    const { PUT_STATE, DEL_STATE } = peer.WriteRecord.Type;
    const type = record.getType();
    if (type !== PUT_STATE && type !== DEL_STATE) {
      throw new Error('ERR_CHAINCODE: the development ledger writes and deletes, nothing else');
    }
    this.#simulator.putState(record.getKey(), type === PUT_STATE ? record.getValue_asU8() : null);
  }

  #range(request: peer.GetStateByRange): Uint8Array {
    refuseCollection(request.getCollection());
    const simulator = this.#simulator;
    const metadata = request.getMetadata_asU8();
    if (metadata.length === 0) {
      const cursor = simulator.openRange(request.getStartkey(), request.getEndkey());
      return this.#page(this.#newQuery(), rangePages(cursor));
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
    response.setId(this.#newQuery());
    response.setMetadata(summary.serializeBinary());
    return response.serializeBinary();
  }

  #page(id: string, pages: Pages): Uint8Array {
    const response = queryResponse(pages.take(PAGE_RESULTS));
    response.setId(id);
    response.setHasMore(!pages.done);
    if (!pages.done) this.#open.set(id, pages);
    return response.serializeBinary();
  }

  #newQuery(): string {
    return String(++this.#queryCount);
  }
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
