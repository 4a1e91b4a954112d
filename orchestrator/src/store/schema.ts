/**
 * The tables as types. Times are milliseconds since 1970, digests lower-case hexadecimal, documents canonical JSON.
 * @module
 */

export interface Tables {
  schema_migration: { version: number; applied_at_ms: number };
  federation: { key: string; value: string };
  round: {
    slot: number;
    attempt: number;
    phase: string;
    version: number;
    state: string;
    manifest: string;
    result_model: string;
  };
  round_event: {
    slot: number;
    attempt: number;
    version: number;
    kind: string;
    event: string;
    at_ms: number;
  };
  submission: {
    slot: number;
    attempt: number;
    node_id: string;
    update_digest: string;
    envelope_digest: string;
    envelope: Uint8Array;
    signature: Uint8Array;
    certificate: Uint8Array;
    receipt: Uint8Array;
    receipt_signature: Uint8Array;
    receipt_signer: string;
    at_ms: number;
  };
  outbox: {
    effect_key: string;
    slot: number;
    attempt: number;
    kind: string;
    done: number;
    tries: number;
    due_at_ms: number;
    error: string;
  };
  manifest: {
    slot: number;
    attempt: number;
    digest: string;
    previous: string;
    result_model: string;
    bytes: Uint8Array;
    signature: Uint8Array;
    signer: string;
  };
  model: {
    digest: string;
    sequence: number;
    parent: string;
    slot: number;
    attempt: number;
    manifest: string;
    state: string;
    reason: string;
    /** Digest of what the server optimiser carries on from this model; empty for none. */
    optimiser_state: string;
  };
  publication: {
    sequence: number;
    slot: number;
    attempt: number;
    model: string;
    manifest: string;
    state: string;
    version: number | null;
    detector: string;
    calibration: string;
    reason: string;
    tries: number;
    due_at_ms: number;
    proposed_at_ms: number | null;
  };
  node: {
    node_id: string;
    msp_id: string;
    state: string;
    last_seen_ms: number;
    clock_offset_ms: number;
    ledger_seq: number;
    ledger_hash: string;
    software: string;
    kernel_hash: string;
    /** PEM of the root of the hospital's MSP; empty where it is not known. */
    msp_root: string;
    /** 1 once the channel counts this member among its hospitals. */
    admitted: number;
  };
  replaced_certificate: { serial: string; node_id: string; replaced_at_ms: number };
  revocation: {
    epoch: number;
    serial: string;
    node_id: string;
    at_ms: number;
    reason: string;
  };
  audit: {
    sequence: number;
    at_ms: number;
    kind: string;
    body: string;
    previous: string;
    hash: string;
  };
  object: { digest: string; object_bytes: number; chunk_digests: string; complete: number };
  object_chunk: { digest: string; position: number; bytes: Uint8Array };
  invite: {
    token_hash: string;
    node_id: string;
    expires_at_ms: number;
    tries: number;
    tries_since_ms: number;
    request_id: string;
  };
  enrolment_request: {
    request_id: string;
    node_id: string;
    csr: Uint8Array;
    fingerprint: string;
    state: string;
    reason: string;
    certificate: string;
    created_at_ms: number;
    expires_at_ms: number;
  };
  review: {
    slot: number;
    attempt: number;
    node_id: string;
    person: string;
    msp_id: string;
    disposition: string;
    reason: string;
    statement: Uint8Array;
    signature: Uint8Array;
    certificate: string;
    at_ms: number;
  };
  operator: {
    name: string;
    /** scrypt in its stored form. */
    password: string;
    role: string;
    created_at_ms: number;
  };
  operator_session: {
    /** SHA-256 of what the browser holds. */
    id_hash: string;
    name: string;
    role: string;
    /** `password` or `oidc`. */
    method: string;
    csrf: string;
    /** What the browser calls itself. */
    agent: string;
    created_at_ms: number;
    seen_at_ms: number;
    /** When the person proved last who she is. */
    fresh_at_ms: number;
  };
  /** Votes that went to the channel through the dashboard. */
  channel_vote: {
    transaction_id: string;
    action: string;
    about: string;
    msp_id: string;
    person: string;
    reason: string;
    at_ms: number;
  };
  /** The newest word of each hospital on its own privacy budget. */
  declared_budget: { node_id: string; declaration: string; at_ms: number };
  /** What the gauges and counters said at one moment, one row for all of them. */
  metric_sample: { resolution_ms: number; at_ms: number; series: string };
}
