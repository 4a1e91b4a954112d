/**
 * The business functions of the consortium, and what each of them counts as when it is judged.
 *
 * A detector knows acts (action × section) from access logs. So a business function is read as the access that the same line
 * of a log would be: a write (`amend`) to the record that it names, with an action, a section and a purpose of its own. The
 * feature schema does not change when a contract is added, and the detector in force stays in force; the code hash in every
 * ring value keeps endorsers with another table apart.
 * @module
 */
import {
  FeatureError,
  callFromArguments,
  decodeCallContext,
  encodeCallContext,
  type Action,
  type GuardedCall,
  type Purpose,
  type Section,
} from '@bhschain/models/features';

import { ARGUMENT_FORMS, type BusinessArgument } from './business-arguments.js';

export interface BusinessFunction {
  readonly action: Action;
  readonly section: Section;
  readonly purpose: Purpose;
  /** Between session (first) and context (last). */
  readonly arguments: readonly BusinessArgument[];
}

type Row = readonly [name: string, ...BusinessFunction['arguments']];

function contract(
  name: string,
  as: Omit<BusinessFunction, 'arguments'>,
  rows: readonly Row[],
): Readonly<Record<string, BusinessFunction>> {
  return Object.fromEntries(
    rows.map(([method, ...names]) => [`${name}:${method}`, { ...as, arguments: names }]),
  );
}

/** By `Contract:function`. */
export const BUSINESS_FUNCTIONS: Readonly<Record<string, BusinessFunction>> = {
  ...contract(
    'ConsentContract',
    { action: 'consent', section: 'governance', purpose: 'operations' },
    [
      ['request', 'record', 'grantee', 'purposes', 'sections', 'notBeforeMs', 'notAfterMs'],
      ['grant', 'consent', 'documentDigest'],
      ['decline', 'consent', 'reasonClass'],
      ['activate', 'consent'],
      ['suspend', 'consent', 'reasonClass'],
      ['resume', 'consent'],
      ['revoke', 'consent', 'reasonClass'],
      ['narrow', 'consent', 'purposes', 'sections'],
    ],
  ),
  ...contract(
    'AccessPolicyContract',
    { action: 'grant', section: 'governance', purpose: 'operations' },
    [
      ['proposePolicy', 'version', 'policy'],
      ['approvePolicy', 'version', 'documentDigest'],
      ['countersign', 'actor', 'callDigest'],
    ],
  ),
  ...contract(
    'ProvenanceContract',
    { action: 'create', section: 'medication', purpose: 'operations' },
    [['register', 'product', 'lot', 'expiresMs', 'quantity', 'unit', 'documentDigest']],
  ),
  ...contract(
    'ProvenanceContract',
    { action: 'update', section: 'medication', purpose: 'operations' },
    [
      ['offer', 'batch', 'organisation', 'quantity'],
      ['retract', 'batch'],
      ['accept', 'batch'],
      ['waste', 'batch', 'quantity', 'reasonClass'],
      ['witnessWaste', 'batch'],
      ['recall', 'product', 'lot', 'reasonClass'],
    ],
  ),
  ...contract(
    'ProvenanceContract',
    { action: 'dispense', section: 'medication', purpose: 'treatment' },
    [['dispense', 'record', 'batch', 'quantity', 'documentDigest']],
  ),
  ...contract('ClaimsContract', { action: 'create', section: 'orders', purpose: 'treatment' }, [
    ['recordEncounter', 'record', 'encounter'],
  ]),
  ...contract('ClaimsContract', { action: 'claim', section: 'billing', purpose: 'payment' }, [
    ['submit', 'record', 'encounter', 'organisation', 'lines', 'documentDigest'],
    ['revise', 'claim', 'lines', 'documentDigest'],
    ['withdraw', 'claim'],
    ['adjudicate', 'claim', 'amountMinor', 'reasonClass'],
    ['dispute', 'claim', 'documentDigest'],
    ['proposeResolution', 'claim', 'amountMinor'],
    ['resolve', 'claim', 'amountMinor'],
    ['settle', 'claim', 'documentDigest'],
  ]),
};

const NO_DIGEST = '0'.repeat(64);

/**
 * @throws {FeatureError} `ERR_CALL_ARGUMENTS` for a wrong number of arguments, a malformed one, or a context that names an
 *   action of its own
 */
export function businessCall(
  business: BusinessFunction,
  args: readonly string[],
  caller: { readonly role: string; readonly mspId: string; readonly timeMs: number },
): GuardedCall {
  const { action, section, purpose, arguments: names } = business;
  if (args.length !== names.length + 2) {
    throw refused('arity', `${args.length}`, `${names.length + 2} arguments`);
  }
  const [session = '', ...inner] = args.slice(0, -1);
  for (const [i, name] of names.entries()) {
    const { form, words } = ARGUMENT_FORMS[name];
    if (!form.test(inner[i]!)) throw refused(`${i + 1} ${name}`, 'something else', words);
  }
  const context = decodeCallContext(args.at(-1) ?? '');
  if (context.action !== null) throw refused('context action', context.action, 'none');
  return callFromArguments(
    'RecordAccessContract:amend',
    [
      session,
      inner[names.indexOf('record')] ?? '',
      section,
      NO_DIGEST,
      NO_DIGEST,
      '0',
      purpose,
      encodeCallContext(action === 'update' ? context : { ...context, action }),
    ],
    caller,
  );
}

function refused(path: string, got: string, expected: string): FeatureError {
  return new FeatureError('ERR_CALL_ARGUMENTS', { path, got, expected });
}
