import type { Contract } from 'fabric-contract-api';

import type { GuardOptions } from '../guard.js';
import { DetectorContract } from './detector-contract.js';
import { FederationContract } from './federation-contract.js';
import { QuarantineContract } from './quarantine-contract.js';
import { RecordAccessContract } from './record-access-contract.js';

/** What the contract runtime calls with `new`. */
export type ContractConstructor = new () => Contract;

/**
 * The contracts of chaincode `bhschain`, ready for the runtime.
 *
 * The runtime makes them without arguments and lists the own methods of an instance's *direct* prototype; a subclass that
 * closes over the options would list nothing. So each is a function that, called with `new`, returns the real thing.
 */
export function contractsOf(options: GuardOptions): readonly ContractConstructor[] {
  const classes = [RecordAccessContract, QuarantineContract, DetectorContract, FederationContract];
  return classes.map(
    (ContractClass) =>
      function (): Contract {
        return new ContractClass(options);
      } as unknown as ContractConstructor,
  );
}
