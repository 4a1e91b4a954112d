/**
 * The nodes of the roster as last seen, and the certificates that are no longer good.
 * @module
 */
import type { Kysely, Selectable } from 'kysely';
import { againOnConflict } from './conflict.js';
import type { Tables } from './schema.js';

export interface NodeRow {
  readonly nodeId: string;
  readonly mspId: string;
  readonly state: string;
  readonly lastSeenMs: number;
  readonly clockOffsetMs: number;
  readonly ledgerHead: Readonly<{ seq: number; hash: string }> | null;
  readonly software: string;
  readonly kernelHash: string;
}

export class RosterStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** The roster of the configuration; rows of nodes that left stay for the record. */
  async ensure(nodeId: string, mspId: string): Promise<void> {
    await this.#db
      .insertInto('node')
      .values({
        node_id: nodeId,
        msp_id: mspId,
        state: 'active',
        last_seen_ms: 0,
        clock_offset_ms: 0,
        ledger_seq: -1,
        ledger_hash: '',
        software: '',
        kernel_hash: '',
      })
      .onConflict((c) => c.column('node_id').doUpdateSet({ msp_id: mspId }))
      .execute();
  }

  async list(): Promise<readonly NodeRow[]> {
    const rows = await this.#db.selectFrom('node').selectAll().orderBy('node_id').execute();
    return rows.map(nodeOf);
  }

  async find(nodeId: string): Promise<NodeRow | null> {
    const row = await this.#db
      .selectFrom('node')
      .selectAll()
      .where('node_id', '=', nodeId)
      .executeTakeFirst();
    return row === undefined ? null : nodeOf(row);
  }

  async setState(nodeId: string, state: 'active' | 'paused' | 'revoked'): Promise<void> {
    await this.#db.updateTable('node').set({ state }).where('node_id', '=', nodeId).execute();
  }

  async greet(
    nodeId: string,
    o: Readonly<{ atMs: number; clockOffsetMs: number; software: string; kernelHash: string }>,
  ): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({
        last_seen_ms: o.atMs,
        clock_offset_ms: Math.round(o.clockOffsetMs),
        software: o.software,
        kernel_hash: o.kernelHash,
      })
      .where('node_id', '=', nodeId)
      .execute();
  }

  async touch(nodeId: string, atMs: number): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({ last_seen_ms: atMs })
      .where('node_id', '=', nodeId)
      .execute();
  }

  /** Remembers the highest privacy-ledger head that a node has shown. */
  async raiseLedgerHead(
    nodeId: string,
    head: Readonly<{ seq: number; hash: string }>,
  ): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({ ledger_seq: head.seq, ledger_hash: head.hash })
      .where('node_id', '=', nodeId)
      .where('ledger_seq', '<', head.seq)
      .execute();
  }

  async revoke(
    o: Readonly<{ serial: string; nodeId: string; atMs: number; reason: string }>,
  ): Promise<number> {
    return againOnConflict(() =>
      this.#db.transaction().execute(async (tx) => {
        const found = await tx
          .selectFrom('revocation')
          .select('epoch')
          .where('serial', '=', o.serial)
          .executeTakeFirst();
        if (found !== undefined) return found.epoch;
        const last = await tx
          .selectFrom('revocation')
          .select((e) => e.fn.max<number | null>('epoch').as('epoch'))
          .executeTakeFirst();
        const epoch = (last?.epoch ?? 0) + 1;
        await tx
          .insertInto('revocation')
          .values({ epoch, serial: o.serial, node_id: o.nodeId, at_ms: o.atMs, reason: o.reason })
          .execute();
        return epoch;
      }),
    );
  }

  /** In order of their epochs. */
  async revocations(): Promise<
    readonly Readonly<{
      epoch: number;
      serial: string;
      nodeId: string;
      atMs: number;
      reason: string;
    }>[]
  > {
    const rows = await this.#db.selectFrom('revocation').selectAll().orderBy('epoch').execute();
    return rows.map((row) => ({
      epoch: row.epoch,
      serial: row.serial,
      nodeId: row.node_id,
      atMs: row.at_ms,
      reason: row.reason,
    }));
  }
}

function nodeOf(row: Selectable<Tables['node']>): NodeRow {
  return {
    nodeId: row.node_id,
    mspId: row.msp_id,
    state: row.state,
    lastSeenMs: row.last_seen_ms,
    clockOffsetMs: row.clock_offset_ms,
    ledgerHead: row.ledger_seq < 0 ? null : { seq: row.ledger_seq, hash: row.ledger_hash },
    software: row.software,
    kernelHash: row.kernel_hash,
  };
}
