/** A contract without judgement: each function exercises one thing that a ledger owes to its chaincode. */
import contractApi from 'fabric-contract-api';

const { Contract } = contractApi;

let lateAnswer = '';
const text = (bytes) => Buffer.from(bytes).toString('utf8');

class PlainContract extends Contract {
  constructor() {
    super('Plain');
  }

  async noop() {
    return 'OK';
  }

  async put(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value, 'utf8'));
    return value;
  }

  async putMany(ctx, prefix, count) {
    for (let i = 0; i < Number(count); i++) {
      await ctx.stub.putState(`${prefix}${String(i).padStart(5, '0')}`, Buffer.from(String(i)));
    }
    return count;
  }

  async get(ctx, key) {
    return text(await ctx.stub.getState(key));
  }

  /** Refuses a key that is not there: it builds on an earlier transaction. */
  async amend(ctx, key, value) {
    if ((await ctx.stub.getState(key)).length === 0) throw new Error(`ERR_ABSENT: ${key}`);
    await ctx.stub.putState(key, Buffer.from(value));
  }

  async remove(ctx, key) {
    await ctx.stub.deleteState(key);
  }

  /** Read, then write: two at once conflict. */
  async increment(ctx, key) {
    const before = Number(text(await ctx.stub.getState(key)) || '0');
    await ctx.stub.putState(key, Buffer.from(String(before + 1)));
    return String(before + 1);
  }

  async emit(ctx, name, payload) {
    await ctx.stub.putState(`emitted~${ctx.stub.getTxID()}`, Buffer.from('1'));
    ctx.stub.setEvent(name, Buffer.from(payload, 'utf8'));
  }

  /** What a read gives after a write of the same transaction. */
  async readOwnWrite(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value));
    return text(await ctx.stub.getState(key));
  }

  async range(ctx, startKey, endKey) {
    const keys = [];
    for await (const { key, value } of ctx.stub.getStateByRange(startKey, endKey)) {
      keys.push([key, text(value)]);
    }
    return JSON.stringify(keys);
  }

  /** Reads a range and writes the number of keys: conflicts with whoever adds one. */
  async countRange(ctx, startKey, endKey, target) {
    let count = 0;
    for await (const found of ctx.stub.getStateByRange(startKey, endKey))
      count += found.key ? 1 : 0;
    await ctx.stub.putState(target, Buffer.from(String(count)));
    return String(count);
  }

  /** Three queries at once, the first closed before the third is opened. */
  async interleaved(ctx, prefix) {
    const open = () => ctx.stub.getStateByRange(prefix, `${prefix}~`);
    const rest = async (iterator) => {
      let count = 0;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) count++;
      return count;
    };
    const first = await open();
    const second = await open();
    await first.close();
    const third = await open();
    return JSON.stringify([await rest(second), await rest(third)]);
  }

  /** Takes the first results only, so that the range query is not exhausted. */
  async firstOfRange(ctx, startKey, endKey, count, target) {
    const iterator = await ctx.stub.getStateByRange(startKey, endKey);
    const keys = [];
    for (let i = 0; i < Number(count); i++) {
      const next = await iterator.next();
      if (next.done) break;
      keys.push(next.value.key);
    }
    await iterator.close();
    await ctx.stub.putState(target, Buffer.from(keys.join(',')));
    return keys.join(',');
  }

  async page(ctx, startKey, endKey, pageSize, bookmark) {
    const { iterator, metadata } = await ctx.stub.getStateByRangeWithPagination(
      startKey,
      endKey,
      Number(pageSize),
      bookmark,
    );
    const keys = [];
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      keys.push(next.value.key);
    }
    return JSON.stringify({ keys, bookmark: metadata.bookmark });
  }

  async pageAndWrite(ctx, startKey, endKey) {
    await ctx.stub.getStateByRangeWithPagination(startKey, endKey, 1, '');
    await ctx.stub.putState('never', Buffer.from('1'));
  }

  /** `path` is the attributes, joined by `/`. */
  async putComposite(ctx, objectType, path) {
    const attributes = path.split('/');
    const key = ctx.stub.createCompositeKey(objectType, attributes);
    await ctx.stub.putState(key, Buffer.from(path));
  }

  async listComposite(ctx, objectType, path) {
    const attributes = path === '' ? [] : path.split('/');
    const values = [];
    const results = ctx.stub.getStateByPartialCompositeKey(objectType, attributes);
    for await (const { value } of results) values.push(text(value));
    return JSON.stringify(values);
  }

  async history(ctx, key) {
    const changes = [];
    for await (const change of ctx.stub.getHistoryForKey(key)) {
      changes.push({ txId: change.txId, value: text(change.value), isDelete: change.isDelete });
    }
    return JSON.stringify(changes);
  }

  async who(ctx) {
    const { clientIdentity } = ctx;
    return JSON.stringify({
      mspId: clientIdentity.getMSPID(),
      id: clientIdentity.getID(),
      role: clientIdentity.getAttributeValue('role'),
      txId: ctx.stub.getTxID(),
      channel: ctx.stub.getChannelID(),
      seconds: Number(ctx.stub.getTxTimestamp().seconds),
    });
  }

  /** The first argument as the bytes that came. */
  async base64(ctx, _bytes) {
    return ctx.stub.getBufferArgs()[1].toString('base64');
  }

  async fail(ctx, sentence) {
    await ctx.stub.putState('never', Buffer.from('1'));
    throw new Error(sentence);
  }

  async metadata(ctx, key) {
    return JSON.stringify((await ctx.stub.getStateValidationParameter(key)) ?? null);
  }

  async privateData(ctx) {
    return text(await ctx.stub.getPrivateData('collection', 'key'));
  }

  async otherChaincode(ctx) {
    const response = await ctx.stub.invokeChaincode('other', ['noop'], '');
    return String(response.status);
  }

  async richQuery(ctx) {
    await ctx.stub.getQueryResult('{}');
  }

  /** Differs between processes: what a contract must never do. */
  async processDependent(ctx) {
    await ctx.stub.putState('pid', Buffer.from(String(process.pid)));
    return String(process.pid);
  }

  async sleep(ctx, ms) {
    process.send?.({ type: 'asleep' }); // for a test that must not come too early
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    return 'awake';
  }

  /** Asks for state after it slept; what it heard is told by `lateAnswer`, for this process only. */
  async sleepThenRead(ctx, ms) {
    await this.sleep(ctx, ms);
    try {
      lateAnswer = text(await ctx.stub.getState('key'));
    } catch (error) {
      lateAnswer = error.message;
    }
  }

  async lateAnswer() {
    return lateAnswer;
  }
}

export const contracts = [PlainContract];
