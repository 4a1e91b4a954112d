/**
 * The nodes of the roster as last seen, and the certificates that are no longer good.
 * @module
 */
import type { Kysely, Selectable } from 'kysely';
import { againOnConflict } from './conflict.js';
import type { Tables } from './schema.js';

/** `invited` until the first approval; `left` by its own wish, `revoked` by the federation's. */
export type NodeStanding = 'invited' | 'active' | 'paused' | 'left' | 'revoked';

export interface NodeRow {
  readonly nodeId: string;
  readonly mspId: string;
  /** PEM of the root of the hospital's MSP; empty where it is not known. */
  readonly mspRoot: string;
  readonly state: NodeStanding;
  /** Whether the channel counts it among its hospitals. */
  readonly admitted: boolean;
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

  /** Puts a member on record once; rows of nodes that left stay. What is known of it already stays as it is. */
  async ensure(
    o: Readonly<{
      nodeId: string;
      mspId: string;
      mspRoot: string;
      state: 'invited' | 'active';
      admitted: boolean;
    }>,
  ): Promise<void> {
    const { nodeId, mspId, mspRoot } = o;
    await this.#db
      .insertInto('node')
      .values({
        node_id: nodeId,
        msp_id: mspId,
        state: o.state,
        last_seen_ms: 0,
        clock_offset_ms: 0,
        ledger_seq: -1,
        ledger_hash: '',
        software: '',
        kernel_hash: '',
        msp_root: mspRoot,
        admitted: o.admitted ? 1 : 0,
      })
      .onConflict((c) =>
        c
          .column('node_id')
          .doUpdateSet(mspRoot === '' ? { msp_id: mspId } : { msp_id: mspId, msp_root: mspRoot }),
      )
      .execute();
  }

  async setAdmitted(nodeId: string): Promise<void> {
    await this.#db.updateTable('node').set({ admitted: 1 }).where('node_id', '=', nodeId).execute();
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

  async setState(nodeId: string, state: Exclude<NodeStanding, 'invited'>): Promise<void> {
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

  async noteClock(
    nodeId: string,
    o: Readonly<{ atMs: number; clockOffsetMs: number }>,
  ): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({ last_seen_ms: o.atMs, clock_offset_ms: Math.round(o.clockOffsetMs) })
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

  /** A renewed certificate stays good for a while; when it was replaced is kept. */
  async replaceCertificate(
    o: Readonly<{ serial: string; nodeId: string; atMs: number }>,
  ): Promise<void> {
    await this.#db
      .insertInto('replaced_certificate')
      .values({ serial: o.serial, node_id: o.nodeId, replaced_at_ms: o.atMs })
      .onConflict((c) => c.column('serial').doNothing())
      .execute();
  }

  /** Whether a certificate is on the revocation list, or was replaced before `replacedBeforeMs`. */
  async isWithdrawn(serial: string, replacedBeforeMs: number): Promise<boolean> {
    const revoked = await this.#db
      .selectFrom('revocation')
      .select('serial')
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (revoked !== undefined) return true;
    const replaced = await this.#db
      .selectFrom('replaced_certificate')
      .select('serial')
      .where('serial', '=', serial)
      .where('replaced_at_ms', '<', replacedBeforeMs)
      .executeTakeFirst();
    return replaced !== undefined;
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
    mspRoot: row.msp_root,
    state: row.state as NodeStanding,
    admitted: row.admitted === 1,
    lastSeenMs: row.last_seen_ms,
    clockOffsetMs: row.clock_offset_ms,
    ledgerHead: row.ledger_seq < 0 ? null : { seq: row.ledger_seq, hash: row.ledger_hash },
    software: row.software,
    kernelHash: row.kernel_hash,
  };
}
