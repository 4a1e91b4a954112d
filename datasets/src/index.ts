export { DatasetError, type DatasetErrorCode, type DatasetFacts } from './errors.js';
export { randomStream, type RandomStream } from './random-stream.js';
export {
  HOSPITALS_MAX,
  type CodeTable,
  type Consortium,
  type ConsortiumHospital,
  type Difficulty,
  type Incident,
  type IncidentKind,
  type ScenarioKind,
  type SimulatedIncidentKind,
  type StaffMember,
} from './consortium.js';
export {
  createConsortium,
  type SimulatedConsortiumOptions,
} from './simulation/simulated-consortium.js';
export { selectedEvents, selectLiveCalls, type LiveSelection } from './live-selection.js';
export { createLedgerNames, intentsOf } from './intents.js';
export { writeConsortium, writeEvents, type WrittenConsortium } from './jsonl-writer.js';
export {
  readEventLog,
  type EventLog,
  type LogRow,
  type MalformedLine,
} from './event-log/event-log.js';
export { codeTableOf } from './event-log/code-table.js';
export {
  createLogConsortium,
  logConsortiumOf,
  type LogConsortium,
  type LogConsortiumOptions,
} from './event-log/log-consortium.js';
export { simulateDepartmentLog, type DepartmentLogOptions } from './event-log/department-log.js';
export { AUDIT_EVENT_ROLES, auditEventOf } from './audit-event-writer.js';
export {
  openAccessLog,
  type AccessLog,
  type AccessLogCounts,
  type AccessLogOptions,
} from './access-log-reader.js';
export {
  createDescriber,
  describe,
  type Describer,
  type Description,
  type Gaps,
  type Spread,
} from './description.js';
export { describeAgainstTargets, type TargetRow } from './targets.js';
export { toDanfo, type Danfo } from './danfo.js';
export {
  createHospitalWorld,
  type HospitalWorld,
  type PatientRecord,
  type StaffRecord,
  type WorldHospital,
} from './hospital/hospital-world.js';
export {
  type HospitalWorldOptions,
  type IncidentOptions,
  type WorldConfig,
} from './hospital/options.js';
export { CUSTOMS, type CustomsName } from './hospital/customs.js';
export { type Zone } from './hospital/calendar.js';
export { type CareRelation } from './hospital/care.js';
export { type Oddity, type OddityKind } from './hospital/oddities.js';
export {
  readCatalogue,
  type Catalogue,
  type CatalogueEntry,
  type View,
  type Watcher,
} from './scenarios/catalogue.js';
export { type LabelledIncident } from './scenarios/planting.js';
export {
  DATASET_FORMATS,
  eventLabels,
  makeDataset,
  readManifest,
  verifyDataset,
  type DatasetFormat,
  type DatasetManifest,
  type EventLabel,
  type FileCheck,
  type MakeDatasetOptions,
} from './dataset/dataset.js';
export { type WrittenFile } from './dataset/file-writer.js';
export {
  datasheetMarkdown,
  targetTable,
  type Datasheet,
  type HospitalFacts,
  type LabelFacts,
} from './dataset/datasheet.js';
export { readParquet, writeParquet, writeParquetTable } from './parquet.js';
export {
  isNormalLabel,
  openSessionLog,
  parseColumns,
  SESSION_COLUMNS,
  type LabelledSession,
  type SessionColumns,
  type SessionLog,
  type SessionLogCounts,
  type SessionLogOptions,
} from './readers/session-log.js';
export {
  checkMapping,
  MAPPED_FIELDS,
  openMappedLog,
  readMapping,
  TIME_FORMS,
  type LogMapping,
  type MappedField,
  type MappedLog,
} from './readers/mapped-log.js';
export {
  chronologicalSplit,
  SHARES,
  type ChronologicalSplit,
  type Shares,
} from './splits/chronological.js';
export { partition, type PartitionOptions } from './splits/partition.js';
export {
  injectUserSwitch,
  type ActorAct,
  type ActWindow,
  type SwitchPair,
  type TestWindow,
  type UserSwitch,
  type UserSwitchOptions,
} from './splits/user-switch.js';
export {
  loadAdfa,
  loadBpic2011,
  loadHdfs,
  loadLanl,
  loadSepsis,
  type ActData,
  type SessionData,
} from './public-data.js';
export {
  PUBLIC_DATA_NAMES,
  publicDatasheet,
  publicDatasheetMarkdown,
  type PublicDataName,
  type PublicDatasheet,
} from './dataset/public-datasheet.js';
