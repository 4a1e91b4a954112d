export {
  createSiem,
  createTuning,
  OUT_OF_THE_BOX,
  RULES,
  TUNING_SCALES,
  type RuleSetting,
  type Siem,
} from './siem.js';
export { knowledgeOf, type SiemKnowledge } from './knowledge.js';
export { type Points, type Rule, type RuleOptions } from './rule.js';
