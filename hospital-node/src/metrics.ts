/**
 * What this node measures. Scraped inside the hospital only; labels come from closed lists and never name a person, a
 * patient or a digest.
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface NodeMetrics {
  readonly registry: Registry;
  readonly rounds: Counter<'outcome'>;
  readonly refusals: Counter<'code'>;
  readonly trainingSeconds: Histogram;
  readonly windowsAvailable: Gauge;
  readonly clippedRatio: Gauge;
  readonly updateNorm: Gauge;
  readonly epsilonSpent: Gauge<'scope'>;
  readonly epsilonCeiling: Gauge<'scope'>;
  readonly privacyRoundsLeft: Gauge;
  readonly logLines: Gauge<'kind'>;
  readonly uploadBytes: Counter;
  readonly clockOffset: Gauge;
  readonly blockLag: Gauge;
  readonly detectorVerdicts: Counter<'verdict'>;
  readonly agentPhase: Gauge<'phase'>;
  readonly polls: Counter<'result'>;
  readonly disconnects: Counter;
  readonly alarms: Counter<'code'>;
  readonly certificateExpiry: Gauge;
  readonly modelStaleness: Gauge;
  readonly privacyLedgerRecords: Gauge;
  readonly simulatedUncommitted: Gauge;
  readonly daysWaiting: Gauge;
  readonly daysRankedThrough: Gauge;
}

const TRAINING_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    rounds: new Counter({
      name: 'hospital_node_rounds_total',
      help: 'Rounds by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    refusals: new Counter({
      name: 'hospital_node_privacy_refusals_total',
      help: 'Rounds this node refused, by code',
      labelNames: ['code'],
      registers,
    }),
    trainingSeconds: new Histogram({
      name: 'hospital_node_training_seconds',
      help: 'From debit to persisted update',
      buckets: TRAINING_BUCKETS,
      registers,
    }),
    windowsAvailable: gauge('windows_available', 'Windows of the last trained interval'),
    clippedRatio: gauge('clipped_ratio', 'Share of clipped window gradients in the last round'),
    updateNorm: gauge('update_norm', 'Euclidean norm of the last update'),
    epsilonSpent: new Gauge({
      name: 'hospital_node_epsilon_spent',
      help: 'Privacy loss so far',
      labelNames: ['scope'],
      registers,
    }),
    epsilonCeiling: new Gauge({
      name: 'hospital_node_epsilon_ceiling',
      help: "This hospital's ceilings",
      labelNames: ['scope'],
      registers,
    }),
    privacyRoundsLeft: gauge(
      'privacy_rounds_left',
      'Rounds that still fit under the actor ceiling',
    ),
    logLines: new Gauge({
      name: 'hospital_node_log_lines',
      help: 'Access log lines read, malformed, late',
      labelNames: ['kind'],
      registers,
    }),
    uploadBytes: new Counter({
      name: 'hospital_node_upload_bytes_total',
      help: 'Bytes of acknowledged updates',
      registers,
    }),
    clockOffset: gauge('clock_offset_seconds', "Orchestrator's clock minus ours"),
    blockLag: gauge('block_lag', 'Blocks the channel is ahead of this node'),
    detectorVerdicts: new Counter({
      name: 'hospital_node_detector_verdicts_total',
      help: 'Proposed detectors by verdict',
      labelNames: ['verdict'],
      registers,
    }),
    polls: new Counter({
      name: 'hospital_node_polls_total',
      help: 'Questions for work, by what came of them',
      labelNames: ['result'],
      registers,
    }),
    disconnects: new Counter({
      name: 'hospital_node_disconnects_total',
      help: 'Times the orchestrator could not be reached after it had been',
      registers,
    }),
    alarms: new Counter({
      name: 'hospital_node_alarms_total',
      help: 'What a person must look at: an accepted update missing in the manifest, a conflict of updates',
      labelNames: ['code'],
      registers,
    }),
    certificateExpiry: gauge(
      'certificate_expiry_seconds',
      'Until the federation certificate expires',
    ),
    modelStaleness: gauge(
      'model_staleness_rounds',
      "Slots since the last round whose model has this node's update",
    ),
    privacyLedgerRecords: gauge('privacy_ledger_records', 'Records of the privacy ledger'),
    simulatedUncommitted: new Gauge({
      name: 'guard_simulated_uncommitted',
      help: 'Calls that our chaincode process simulated in the last day and no block ever had',
      registers,
    }),
    daysWaiting: gauge('days_waiting', 'Days of accounts that are listed and nobody has looked at'),
    daysRankedThrough: gauge(
      'days_ranked_through_timestamp_seconds',
      'Log time up to which days of accounts are ranked',
    ),
    agentPhase: new Gauge({
      name: 'hospital_node_round_phase',
      help: '1 for the phase the round agent is in',
      labelNames: ['phase'],
      registers,
    }),
  };

  function gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `hospital_node_${name}`, help, registers });
  }
}
