import type { Contract } from 'fabric-contract-api';

import type { GuardOptions } from '../guard.js';
import type { GuardedContract } from '../guarded-contract.js';
import { AccessPolicyContract } from './access-policy-contract.js';
import { AuditContract } from './audit-contract.js';
import { ClaimsContract } from './claims-contract.js';
import { ConsentContract } from './consent-contract.js';
import { DetectorContract } from './detector-contract.js';
import { FederationContract } from './federation-contract.js';
import { ProvenanceContract } from './provenance-contract.js';
import { QuarantineContract } from './quarantine-contract.js';
import { RecordAccessContract } from './record-access-contract.js';

/** Every contract of the channel. */
export const CONTRACTS: readonly (new (options: GuardOptions) => GuardedContract)[] = [
  RecordAccessContract,
  ConsentContract,
  AccessPolicyContract,
  ProvenanceContract,
  ClaimsContract,
  AuditContract,
  QuarantineContract,
  DetectorContract,
  FederationContract,
];

/** What the contract runtime calls with `new`. */
export type ContractConstructor = new () => Contract;

/**
 * The contracts of chaincode `bhschain`, ready for the runtime.
 *
 * The runtime makes them without arguments and lists the own methods of an instance's *direct* prototype; a subclass that
 * closes over the options would list nothing. So each is a function that, called with `new`, returns the real thing.
 */
export function contractsOf(options: GuardOptions): readonly ContractConstructor[] {
  return CONTRACTS.map(
    (ContractClass) =>
      function (): Contract {
        return new ContractClass(options);
      } as unknown as ContractConstructor,
  );
}
