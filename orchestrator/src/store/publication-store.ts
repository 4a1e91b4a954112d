/**
 * The outbox towards the channel: one row a model.
 * @module
 */
import type { Kysely, Selectable } from 'kysely';
import type { RoundKey } from './round-key.js';
import type { Tables } from './schema.js';

export type PublicationState =
  'queued' | 'built' | 'discarded' | 'proposed' | 'active' | 'superseded' | 'refused';

export interface Publication {
  /** 0 is detector 0 at genesis. */
  readonly sequence: number;
  readonly key: RoundKey | null;
  readonly model: string;
  readonly manifest: string;
  readonly state: PublicationState;
  readonly version: number | null;
  /** Digests of the detector's and the table's bytes; empty until built. */
  readonly detector: string;
  readonly calibration: string;
  readonly reason: string;
  readonly tries: number;
  readonly dueAtMs: number;
  readonly proposedAtMs: number | null;
}

/** A row that waits for its detector to be built. */
export const NEW_PUBLICATION: Pick<
  Tables['publication'],
  | 'state'
  | 'version'
  | 'detector'
  | 'calibration'
  | 'reason'
  | 'tries'
  | 'due_at_ms'
  | 'proposed_at_ms'
> = {
  state: 'queued',
  version: null,
  detector: '',
  calibration: '',
  reason: '',
  tries: 0,
  due_at_ms: 0,
  proposed_at_ms: null,
};

export class PublicationStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** Oldest first. */
  async list(
    o: Readonly<{ states?: readonly PublicationState[] }> = {},
  ): Promise<readonly Publication[]> {
    let query = this.#db.selectFrom('publication').selectAll().orderBy('sequence');
    if (o.states !== undefined) query = query.where('state', 'in', [...o.states]);
    return (await query.execute()).map(publicationOf);
  }

  async update(
    sequence: number,
    change: Readonly<
      Partial<
        Pick<
          Publication,
          | 'state'
          | 'version'
          | 'detector'
          | 'calibration'
          | 'reason'
          | 'tries'
          | 'dueAtMs'
          | 'proposedAtMs'
        >
      >
    >,
  ): Promise<void> {
    const { dueAtMs, proposedAtMs, ...same } = change;
    await this.#db
      .updateTable('publication')
      .set({
        ...same,
        ...(dueAtMs === undefined ? {} : { due_at_ms: dueAtMs }),
        ...(proposedAtMs === undefined ? {} : { proposed_at_ms: proposedAtMs }),
      })
      .where('sequence', '=', sequence)
      .execute();
  }

  /** The newest one is active; what was active before is not any more. */
  async activate(sequence: number): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .updateTable('publication')
        .set({ state: 'superseded' })
        .where('state', '=', 'active')
        .execute();
      await tx
        .updateTable('publication')
        .set({ state: 'active', reason: '' })
        .where('sequence', '=', sequence)
        .execute();
    });
  }
}

function publicationOf(row: Selectable<Tables['publication']>): Publication {
  return {
    sequence: row.sequence,
    key: row.attempt === 0 ? null : { slotIndex: row.slot, attempt: row.attempt },
    model: row.model,
    manifest: row.manifest,
    state: row.state as PublicationState,
    version: row.version,
    detector: row.detector,
    calibration: row.calibration,
    reason: row.reason,
    tries: row.tries,
    dueAtMs: row.due_at_ms,
    proposedAtMs: row.proposed_at_ms,
  };
}
