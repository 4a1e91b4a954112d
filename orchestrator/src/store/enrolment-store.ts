/**
 * Invitations (by the hash of their token) and requests for certificates.
 * @module
 */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from './schema.js';

export interface Invite {
  readonly tokenHash: string;
  readonly nodeId: string;
  readonly expiresAtMs: number;
  /** Failed or repeated uses in the window that began at `triesSinceMs`. */
  readonly tries: number;
  readonly triesSinceMs: number;
  /** The request that used it; empty while it is fresh. */
  readonly requestId: string;
}

export interface EnrolmentRequest {
  readonly requestId: string;
  readonly nodeId: string;
  /** PKCS#10 in DER. */
  readonly csr: Uint8Array;
  readonly fingerprint: string;
  readonly state: 'pending' | 'approved' | 'refused';
  readonly reason: string;
  /** PEM; empty unless approved. */
  readonly certificate: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export class EnrolmentStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  async addInvite(invite: Invite): Promise<void> {
    await this.#db
      .insertInto('invite')
      .values({
        token_hash: invite.tokenHash,
        node_id: invite.nodeId,
        expires_at_ms: invite.expiresAtMs,
        tries: invite.tries,
        tries_since_ms: invite.triesSinceMs,
        request_id: invite.requestId,
      })
      .execute();
  }

  async invite(tokenHash: string): Promise<Invite | null> {
    const row = await this.#db
      .selectFrom('invite')
      .selectAll()
      .where('token_hash', '=', tokenHash)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      tokenHash: row.token_hash,
      nodeId: row.node_id,
      expiresAtMs: row.expires_at_ms,
      tries: row.tries,
      triesSinceMs: row.tries_since_ms,
      requestId: row.request_id,
    };
  }

  async countTry(tokenHash: string, tries: number, sinceMs: number): Promise<void> {
    await this.#db
      .updateTable('invite')
      .set({ tries, tries_since_ms: sinceMs })
      .where('token_hash', '=', tokenHash)
      .execute();
  }

  /** Uses an invitation up and files its request in one transaction. False if somebody else used it first. */
  async use(tokenHash: string, request: EnrolmentRequest): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('invite')
        .set({ request_id: request.requestId })
        .where('token_hash', '=', tokenHash)
        .where('request_id', '=', '')
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) return false;
      await tx
        .insertInto('enrolment_request')
        .values({
          request_id: request.requestId,
          node_id: request.nodeId,
          csr: request.csr,
          fingerprint: request.fingerprint,
          state: request.state,
          reason: request.reason,
          certificate: request.certificate,
          created_at_ms: request.createdAtMs,
          expires_at_ms: request.expiresAtMs,
        })
        .execute();
      return true;
    });
  }

  async request(requestId: string): Promise<EnrolmentRequest | null> {
    const row = await this.#db
      .selectFrom('enrolment_request')
      .selectAll()
      .where('request_id', '=', requestId)
      .executeTakeFirst();
    return row === undefined ? null : requestOf(row);
  }

  /** Oldest first. */
  async requests(): Promise<readonly EnrolmentRequest[]> {
    const rows = await this.#db
      .selectFrom('enrolment_request')
      .selectAll()
      .orderBy('created_at_ms')
      .execute();
    return rows.map(requestOf);
  }

  /**
   * Decides a pending request; an approved node is an active member from then on, also one that was revoked or has left.
   * False if it was decided already.
   */
  async decide(
    requestId: string,
    o: Readonly<{ state: 'approved' | 'refused'; reason: string; certificate: string }>,
  ): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const decided = await tx
        .updateTable('enrolment_request')
        .set(o)
        .where('request_id', '=', requestId)
        .where('state', '=', 'pending')
        .returning('node_id')
        .executeTakeFirst();
      if (decided === undefined) return false;
      if (o.state === 'approved') {
        await tx
          .updateTable('node')
          .set({ state: 'active' })
          .where('node_id', '=', decided.node_id)
          .execute();
      }
      return true;
    });
  }
}

function requestOf(row: Selectable<Tables['enrolment_request']>): EnrolmentRequest {
  return {
    requestId: row.request_id,
    nodeId: row.node_id,
    csr: new Uint8Array(row.csr),
    fingerprint: row.fingerprint,
    state: row.state as EnrolmentRequest['state'],
    reason: row.reason,
    certificate: row.certificate,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
  };
}
