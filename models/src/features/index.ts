export { FeatureError, type FeatureErrorCode, type FeatureFault } from './errors.js';
export {
  ACT_COUNT,
  ACTIONS,
  ACTOR_CLASSES,
  actOf,
  BREAK_GLASS_REASONS,
  CHANNELS,
  CODE_ACT_BASE,
  CODES_MAX,
  describeAct,
  NETWORKS,
  OUTCOMES,
  PURPOSES,
  RESOURCE_TYPES,
  ROLES,
  SECTIONS,
  SENSITIVITIES,
  SOURCES,
  TIME_BASES,
  TIME_GRANULARITIES,
  type Action,
  type ActorClass,
  type BreakGlassReason,
  type Channel,
  type Network,
  type Outcome,
  type Purpose,
  type ResourceType,
  type Role,
  type Section,
  type Sensitivity,
  type Source,
  type TimeBasis,
  type TimeGranularity,
} from './vocabulary.js';
export {
  decodeAccessEvent,
  encodeAccessEvent,
  homeOf,
  type AccessEvent,
  type Handle,
} from './access-event.js';
export {
  createAuditEventMapper,
  type AuditEventMapper,
  type AuditEventOptions,
} from './fhir/audit-event.js';
export {
  FUNCTION_POLICY,
  GUARDED_FUNCTIONS,
  GUARDED_POLICY,
  guardedFunctionOf,
  isGuardedFunction,
  sensitivityOf,
  type ArgumentName,
  type FunctionPolicy,
  type GuardedFunction,
  type PolicyClass,
} from './function-policy.js';
export { decodeCallContext, encodeCallContext, type CallContext } from './call-context.js';
export {
  callFromArguments,
  callFromEvent,
  recordSetText,
  recordTagOf,
  sessionOfArguments,
  type Caller,
  type GuardedCall,
  type LedgerNames,
} from './guarded-call.js';
export { intentFromEvent, type CallIntent } from './call-intent.js';
export { log2Q8, surprisalQ8 } from './integer-log.js';
export {
  COLUMN,
  COLUMN_COUNT,
  COLUMNS,
  LAYOUT,
  PEERLESS_MASK,
  TIMELESS_MASK,
  VIEW_NAMES,
  VIEWS,
  type ColumnScope,
  type ColumnSpec,
  type ViewName,
} from './layout.js';
export { type Counts } from './counts.js';
export {
  EMPTY_HISTOGRAM,
  HOUR_BINS,
  hourBinOf,
  joinHistograms,
  pairOf,
  type SessionHistogram,
} from './session-histogram.js';
export {
  decodeProfile,
  emptyProfile,
  encodeProfile,
  foldSession,
  PROFILE_BYTES_MAX,
  type Profile,
} from './profile.js';
export {
  decodeRoleTables,
  encodeRoleTables,
  flatRoleTables,
  ROLE_TABLE_LENGTHS,
  sharesOf,
  type RoleTables,
} from './role-tables.js';
export {
  decodeRing,
  emptyRing,
  encodeRing,
  pushRow,
  ROW_OUTCOMES,
  scoringWindow,
  type Ring,
  type RingRow,
  type RowOutcome,
  type StoredRow,
} from './ring.js';
export {
  TRIGRAM_BITS_MAX,
  TRIGRAM_CELLS,
  trigramSurprisal,
  trigramTable,
  type TrigramCount,
} from './trigrams.js';
export { featureRow, type FeatureRow, type FeatureRowOptions } from './feature-row.js';
export {
  createWindowCutter,
  type ActorCall,
  type Window,
  type WindowCutter,
  type WindowCutterOptions,
} from './window-cutter.js';
export { featureSchemaDescription, featureSchemaHash, featureSchemaVersion } from './schema.js';
export {
  CARE_SLACK_MS,
  createAcquaintances,
  createCareKnowledge,
  createRelationIndex,
  type Acquaintance,
  type CareReason,
  type PatientRecord,
  type StaffRecord,
} from './care-knowledge.js';
export { createSessionDays, type SessionDays } from './session-days.js';
export {
  createChannelSightings,
  createDayCounter,
  DAY_COLUMNS,
  type CareKnowledge,
  type ChannelSightings,
  type DayColumn,
  type DayCounter,
  type DayCounterState,
  type DayCounts,
  type NestedEntries,
  type SightingsState,
} from './day-counts.js';
export {
  countSurprise,
  createDayNormals,
  DAY_MEMBERS,
  daySurprises,
  negativeBinomialTail,
  surprisesOf,
  type DayNormals,
  type DayReason,
  type DaySurprise,
} from './day-surprise.js';
