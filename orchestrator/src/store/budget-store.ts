/**
 * What hospitals declare about their own privacy budgets: the newest word of each, as it came. Nothing is computed from it.
 * @module
 */
import type { Kysely } from 'kysely';
import type { BudgetDeclaration } from '../protocol/client.js';
import type { Tables } from './schema.js';

export interface DeclaredBudget extends BudgetDeclaration {
  readonly nodeId: string;
  /** When it came, on our clock. */
  readonly atMs: number;
}

export class BudgetStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** Replaces what the hospital said before. */
  async declare({ nodeId, atMs, ...declaration }: DeclaredBudget): Promise<void> {
    const said = { declaration: JSON.stringify(declaration), at_ms: atMs };
    await this.#db
      .insertInto('declared_budget')
      .values({ node_id: nodeId, ...said })
      .onConflict((c) => c.column('node_id').doUpdateSet(said))
      .execute();
  }

  async byNode(): Promise<ReadonlyMap<string, DeclaredBudget>> {
    const rows = await this.#db.selectFrom('declared_budget').selectAll().execute();
    return new Map(
      rows.map((row) => {
        const said = JSON.parse(row.declaration) as BudgetDeclaration;
        return [row.node_id, { nodeId: row.node_id, ...said, atMs: row.at_ms }];
      }),
    );
  }
}
