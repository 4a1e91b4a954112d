export {
  autoencoderMember,
  errorFormMember,
  type AutoencoderOptions,
  type ErrorForm,
} from './autoencoder-member.js';
export {
  joinCases,
  NO_WINDOWS,
  strangestOfCases,
  windowSurprise,
  type CaseJoin,
} from './case-evidence.js';
export { EVIDENCE_UNIT } from './evidence.js';
export { featuresMember, featureSummaries, type FeaturesOptions } from './features-member.js';
export { fitTable, type TableOptions } from './fit-table.js';
export { integerMember } from './integer-members.js';
export { joinedScores, type Score } from './joined-score.js';
export { membersOf, type ReadyMember } from './members-of.js';
export { type Judged, type Member } from './member.js';
export {
  ENSEMBLE_LAYOUT_HASH,
  ENSEMBLE_NETWORKS,
  initialNetworks,
  networksDescription,
  networksLayout,
  type NetworkPart,
  type NetworksLayout,
  type NetworkSpec,
} from './networks.js';
export { countVectorMember, ngramMember, type Sequence } from './sequence-members.js';
