/**
 * Forms of the arguments of business functions: handles, codes, integers, digests; bounded, so that no text of anybody's fits
 * in. A call with another form is a malformed call, before any contract sees it.
 * @module
 */
import { PURPOSES, SECTIONS } from '@bhschain/models/features';

/** Members of a closed list without `unknown`, each at most once, in the list's order, joined by commas. */
function subsetOf(members: readonly string[]): RegExp {
  const known = members.filter((member) => member !== 'unknown');
  const each = known.map((member) => `(?:(?:^|,)${member}(?=,|$))?`).join('');
  return new RegExp(`^(?=[^,])${each}$`);
}

const TRANSACTION: ArgumentForm = {
  form: /^[0-9a-f]{64}$/,
  words: 'a transaction id of 64 hex digits',
};
const DIGEST = { form: /^[0-9a-f]{64}$/, words: 'a SHA-256 in 64 hex digits' };
const TIME = { form: /^(?:0|[1-9][0-9]{0,14})$/, words: 'milliseconds since 1970' };
const CODE = { form: /^[A-Za-z0-9.-]{1,32}$/, words: '1 to 32 letters, digits, . or -' };
const COUNT = { form: /^[1-9][0-9]{0,11}$/, words: 'an integer from 1 to 999999999999' };

/** Classes of reasons; a text stays off the channel. */
export const REASON_CLASSES = [
  'patient-request',
  'safety',
  'quality',
  'error',
  'fraud',
  'policy',
  'not-covered',
  'none',
] as const;

export type BusinessArgument =
  | 'record'
  | 'consent'
  | 'batch'
  | 'claim'
  | 'documentDigest'
  | 'encounter'
  | 'notBeforeMs'
  | 'notAfterMs'
  | 'expiresMs'
  | 'product'
  | 'lot'
  | 'quantity'
  | 'unit'
  | 'organisation'
  | 'grantee'
  | 'purposes'
  | 'sections'
  | 'reasonClass'
  | 'version'
  | 'policy'
  | 'lines'
  | 'amountMinor'
  | 'actor'
  | 'callDigest';

interface ArgumentForm {
  readonly form: RegExp;
  readonly words: string;
}

export const ARGUMENT_FORMS: Readonly<Record<BusinessArgument, ArgumentForm>> = {
  actor: { form: /^[0-9a-f]{32}$/, words: 'an actor id of 32 hex digits' },
  callDigest: DIGEST,
  record: { form: /^H[1-9][0-9]?-[0-9a-f]{16}$/, words: 'a record handle' },
  consent: TRANSACTION,
  batch: TRANSACTION,
  claim: TRANSACTION,
  documentDigest: DIGEST,
  encounter: DIGEST,
  notBeforeMs: TIME,
  notAfterMs: TIME,
  expiresMs: TIME,
  product: CODE,
  lot: CODE,
  quantity: COUNT,
  unit: { form: /^(?:tablet|capsule|ampoule|ug|mg|ml|dose|item)$/, words: 'a base unit' },
  organisation: { form: /^[A-Za-z0-9.-]{1,64}$/, words: 'an MSP id' },
  grantee: {
    form: /^[A-Za-z0-9.-]{1,64}(?:;role=[a-z-]{1,32})?(?:;ward=[A-Za-z0-9 .-]{1,64})?(?:;actor=[0-9a-f]{32})?$/,
    words: '<MSP>;role=<role>;ward=<ward>;actor=<32 hex>, each but the MSP optional',
  },
  purposes: { form: subsetOf(PURPOSES), words: 'purposes in their order, joined by commas' },
  sections: { form: subsetOf(SECTIONS), words: 'sections in their order, joined by commas' },
  reasonClass: {
    form: new RegExp(`^(?:${REASON_CLASSES.join('|')})$`),
    words: `one of ${REASON_CLASSES.join(', ')}`,
  },
  version: { form: /^[1-9][0-9]{0,8}$/, words: 'a version from 1' },
  policy: { form: /^\{[\x20-\x7e]{0,16382}\}$/, words: 'a JSON object of at most 16 KB' },
  lines: {
    form: /^[A-Z0-9.-]{1,16}\/[0-9]{8}\/[1-9][0-9]{0,5}\/[1-9][0-9]{0,11}(?:,[A-Z0-9.-]{1,16}\/[0-9]{8}\/[1-9][0-9]{0,5}\/[1-9][0-9]{0,11}){0,31}$/,
    words: '1 to 32 of <code>/<yyyymmdd>/<units>/<amount>, joined by commas',
  },
  amountMinor: { form: /^(?:0|[1-9][0-9]{0,13})$/, words: 'an amount in minor units' },
};
