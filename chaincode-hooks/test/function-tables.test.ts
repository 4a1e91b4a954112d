import { FUNCTION_POLICY } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import './quiet-shim.js';
import { BUSINESS_FUNCTIONS } from '../src/business-functions.js';
import { CONTRACTS, contractsOf } from '../src/contracts/index.js';
import { GOVERNANCE_POLICY } from '../src/governance-policy.js';

const guarded = Object.keys(FUNCTION_POLICY).filter(
  (name) => !['governance', 'query'].includes(FUNCTION_POLICY[name]!.class),
);
const tabled = [...guarded, ...Object.keys(BUSINESS_FUNCTIONS), ...Object.keys(GOVERNANCE_POLICY)];

describe('the function tables', () => {
  it('name every public method of a contract, and no other', () => {
    const methods = CONTRACTS.flatMap((ContractClass) =>
      Object.getOwnPropertyNames(ContractClass.prototype)
        .filter((name) => name !== 'constructor')
        .map((name) => `${ContractClass.name}:${name}`),
    );
    expect(methods.sort()).toEqual([...tabled].sort());
  });

  it('agree with the table that the features were made from', () => {
    for (const [name, policy] of Object.entries(FUNCTION_POLICY)) {
      if (guarded.includes(name)) expect(GOVERNANCE_POLICY[name]).toBeUndefined();
      else expect(GOVERNANCE_POLICY[name]?.class).toBe(policy.class);
    }
  });

  it('let nobody govern without a role, but by the clock or as the actor concerned', () => {
    const open = Object.entries(GOVERNANCE_POLICY)
      .filter(([, rule]) => rule.class === 'governance' && rule.roles.length === 0)
      .map(([name]) => name);
    expect(open.sort()).toEqual([
      'QuarantineContract:appeal',
      'QuarantineContract:close',
      'QuarantineContract:escalate',
    ]);
  });
});

describe('a contract as the runtime sees it', () => {
  it('gives away nothing of the guard when it is serialised', () => {
    const contracts = contractsOf({
      codeHash: 'secret',
      judges: { known: () => null, judge: () => null, remember: () => undefined },
      timeJudgement: (work) => work(),
    });
    for (const ContractClass of contracts) {
      expect(JSON.stringify(new ContractClass())).not.toContain('secret');
    }
  });
});
