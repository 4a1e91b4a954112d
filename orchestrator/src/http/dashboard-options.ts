/** What the pages and actions of the dashboard work on. @module */
import type { Registry } from 'prom-client';
import type { Authority } from '../enrolment/authority.js';
import type { Federation } from '../federation.js';
import type { Ballots } from '../publication/ballots.js';
import type { FederationStore } from '../store/store.js';

export interface DashboardOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly authority: Authority;
  /** PEM: whose signatures under manifests count. */
  readonly trustedSigners: readonly string[];
  readonly registry: Registry;
  /** Brings the gauges up to date before they are read. */
  readonly refresh: () => Promise<void>;
  readonly attestations: number;
  readonly attestMaxMs: number;
  /** Why the channel did not take the last transaction; null if it did. */
  readonly channelError: () => string | null;
  /** Who approved a plan on the channel; null where it is not approved yet. Fails while the channel is away. */
  readonly planApprovers: (planHash: string) => Promise<readonly string[] | null>;
  /** Null: people cannot vote from the page. */
  readonly ballots: Ballots | null;
  readonly nowMs: () => number;
}
