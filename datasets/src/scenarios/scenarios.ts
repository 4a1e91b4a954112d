/**
 * The scenarios by their number in the catalogue. S19 (a node that trains on an attacker's behaviour) happens in training
 * and in no log; experiments play it.
 * @module
 */

import { vipSnooping } from './s01-vip-snooping.js';
import { acquaintanceSnooping } from './s02-acquaintance-snooping.js';
import { groupSnooping } from './s03-group-snooping.js';
import { stolenCredentials } from './s04-stolen-credentials.js';
import { fastExfiltration } from './s05-fast-exfiltration.js';
import { slowExfiltration } from './s06-slow-exfiltration.js';
import { reportAbuse } from './s07-report-abuse.js';
import { ransomware } from './s08-ransomware.js';
import { lateralSpread } from './s09-lateral-spread.js';
import { overrideAbuse } from './s10-override-abuse.js';
import { consentProbing } from './s11-consent-probing.js';
import { privilegeMisuse } from './s12-privilege-misuse.js';
import { dormantAccount } from './s13-dormant-account.js';
import { drugDiversion } from './s14-drug-diversion.js';
import { claimsFraud } from './s15-claims-fraud.js';
import { scriptedSession } from './s16-scripted-session.js';
import { impossibleTravel } from './s17-impossible-travel.js';
import { logTampering } from './s18-log-tampering.js';
import { collusion } from './s20-collusion.js';
import type { Scenario } from './stage.js';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  S1: vipSnooping,
  S2: acquaintanceSnooping,
  S3: groupSnooping,
  S4: stolenCredentials,
  S5: fastExfiltration,
  S6: slowExfiltration,
  S7: reportAbuse,
  S8: ransomware,
  S9: lateralSpread,
  S10: overrideAbuse,
  S11: consentProbing,
  S12: privilegeMisuse,
  S13: dormantAccount,
  S14: drugDiversion,
  S15: claimsFraud,
  S16: scriptedSession,
  S17: impossibleTravel,
  S18: logTampering,
  S20: collusion,
};
