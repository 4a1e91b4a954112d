/**
 * Determinism lint for contract code: every endorser must produce the same bytes. Each message says what to do instead.
 *
 * A flat configuration, to be spread into `eslint.config.js`: ESLint's own restriction rules where a selector says it all, and
 * `rules.js` for the rest.
 *
 * | rule | forbids                                        | rule | forbids                                       |
 * |------|------------------------------------------------|------|-----------------------------------------------|
 * | D1   | clocks, timers                                 | D12  | iteration in insertion order                  |
 * | D2   | randomness                                     | D13  | the fastest of several promises               |
 * | D3   | libm                                           | D14  | `setEvent`: the guard emits the one event     |
 * | D4   | fractions                                      | D15  | decorators; state in contracts                |
 * | D5   | locales, sorting without a comparator          | D16  | throwing where a denial can be returned       |
 * | D6   | environment, files, network, workers           | D17  | numbers that are no safe integers             |
 * | D7   | top-level await                                | D18  | regular expressions without a bound           |
 * | D8   | module state                                   | D19  | transient data                                |
 * | D9   | reads that depend on a cache                   | D20  | output                                        |
 * | D10  | history, queries, key policies                 | D21  | reading one's own write                       |
 * | D11  | `JSON.stringify`                               | D22  | keys made elsewhere than in `ledger-keys.ts`  |
 *
 * D15's other half, that every public method is in a table, is a test (`function-tables.test.ts`).
 * @module
 */
import { rules } from './rules.js';

/** Code whose result reaches the ledger. */
const CONTRACT_CODE = ['chaincode-hooks/src/**/*.ts'];

/** The process around it: nothing that these learn flows back into a verdict. */
const PROCESS_CODE = [
  'chaincode-hooks/src/embedded-peer/**',
  'chaincode-hooks/src/network/**',
  'chaincode-hooks/src/server.ts',
  'chaincode-hooks/src/chaincode-server.ts',
  'chaincode-hooks/src/config.ts',
  'chaincode-hooks/src/code-hash.ts',
  'chaincode-hooks/src/metrics.ts',
  'chaincode-hooks/src/batch-messages.ts',
  'chaincode-hooks/src/shim-log.ts',
  'chaincode-hooks/src/state-batches.ts',
];

const CLOCK = 'D1: no clock in contract code; take the transaction time (transactionTimeMs).';
const RANDOM = 'D2: no randomness in contract code; derive it from the transaction id.';
const MATH =
  'D3: libm is not a contract; use integers, or Math.imul, clz32, abs, min, max, floor, trunc, ceil, sign, fround.';
const LOCALE = 'D5: no locale; compare by code unit (byCodeUnit).';
const OUTSIDE = 'D6: no environment, files, network or workers; take it as an option of the guard.';
const CONSOLE = 'D20: no output from contract code; the process around it counts and logs.';

const MATH_ALLOWED = 'imul|clz32|abs|min|max|floor|trunc|ceil|sign|fround';
const ROUNDED = `CallExpression[callee.object.name='Math'][callee.property.name=/^(floor|trunc|ceil)$/]`;

const syntax = [
  [`MemberExpression[object.name='Math']:not([property.name=/^(${MATH_ALLOWED})$/])`, MATH],
  [
    `BinaryExpression[operator='/']:not(${ROUNDED} > BinaryExpression)`,
    'D4: no fractions; wrap the division in Math.floor, trunc or ceil.',
  ],
  [`AssignmentExpression[operator='/=']`, 'D4: no fractions; use Math.floor(a / b).'],
  [
    `Literal[raw=/^[0-9_]*\\.[0-9]/]:not([raw=/^['"]/])`,
    'D4: no float literal; scale it to an integer and say the unit.',
  ],
  [`CallExpression[callee.property.name=/^(sort|toSorted)$/][arguments.length=0]`, LOCALE],
  [`MemberExpression[property.name=/^(toLocale|localeCompare$|normalize$)/]`, LOCALE],
  [
    `AwaitExpression:not(:function AwaitExpression)`,
    'D7: no top-level await; the shim requires this module synchronously.',
  ],
  [
    `Program > VariableDeclaration[kind!='const'], Program > ExportNamedDeclaration > VariableDeclaration[kind!='const']`,
    'D8: no module state; the only cache is contentCache.',
  ],
  [
    `MemberExpression[property.name=/^(getHistoryForKey|getQueryResult|getQueryResultWithPagination|getStateByRangeWithPagination|getStateByPartialCompositeKeyWithPagination|setStateValidationParameter)$/]`,
    'D10: not part of the read set, or not rechecked at commit; read the key itself.',
  ],
  [`ForInStatement`, 'D12: no iteration in insertion order; sort the keys (byCodeUnit).'],
  [
    `CallExpression[callee.object.name='Promise'][callee.property.name=/^(race|any)$/]`,
    'D13: the fastest answer is not the same everywhere; use Promise.all.',
  ],
  [`Decorator`, 'D15: decorators hide transactions from the guard; write a plain method.'],
  [`MemberExpression[property.name='getTransient']`, 'D19: transient data must not reach a write.'],
  [
    `MemberExpression[property.name=/^(createCompositeKey|splitCompositeKey)$/]`,
    'D22: keys are made and read in ledger-keys.ts only.',
  ],
].map(([selector, message]) => ({ selector, message }));

const jsonStringify = {
  selector: `MemberExpression[object.name='JSON'][property.name='stringify']`,
  message: 'D11: JSON.stringify keeps insertion order; use canonicalJson.',
};

const setEvent = {
  selector: `MemberExpression[property.name='setEvent']`,
  message: 'D14: the guard emits the one event of a transaction; give it yours with ctx.emit.',
};

/** The two files that emit: one for judged calls, one for the rest. */
const EMITTERS = ['chaincode-hooks/src/guard.ts', 'chaincode-hooks/src/governed-call.ts'];

const globals = [
  ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map(
    (name) => ({ name, message: CLOCK }),
  ),
  { name: 'crypto', message: RANDOM },
  { name: 'Intl', message: LOCALE },
  ...['process', 'fetch'].map((name) => ({ name, message: OUTSIDE })),
  { name: 'console', message: CONSOLE },
];

const imports = {
  paths: [
    {
      name: 'node:crypto',
      importNames: ['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID', 'webcrypto'],
      message: RANDOM,
    },
    { name: 'pino', message: CONSOLE },
  ],
  patterns: [
    {
      group: [
        'node:fs*',
        'node:os',
        'node:net',
        'node:http*',
        'node:child_process',
        'node:worker_threads',
        'node:dns',
      ],
      message: OUTSIDE,
    },
    { group: ['node:timers*', 'node:perf_hooks'], message: CLOCK },
  ],
};

export const determinism = [
  {
    files: CONTRACT_CODE,
    ignores: PROCESS_CODE,
    plugins: { determinism: { rules } },
    rules: {
      'no-restricted-globals': ['error', ...globals],
      'no-restricted-imports': ['error', imports],
      'no-restricted-syntax': ['error', ...syntax, jsonStringify, setEvent],
      ...Object.fromEntries(
        Object.keys(rules)
          .filter((name) => name !== 'stateless-contract')
          .map((name) => [`determinism/${name}`, 'error']),
      ),
    },
  },
  {
    files: ['chaincode-hooks/src/contracts/*.ts', 'chaincode-hooks/src/guarded-contract.ts'],
    rules: { 'determinism/stateless-contract': 'error' },
  },
  {
    files: EMITTERS,
    rules: { 'no-restricted-syntax': ['error', ...syntax, jsonStringify] },
  },
  {
    // The one file that D11 sends everybody to.
    files: ['chaincode-hooks/src/canonical-json.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntax, setEvent] },
  },
];
