/**
 * The arms of the throughput bench: the same contracts with and without the guard.
 *
 * | arm       | what runs                                                                                   |
 * |-----------|---------------------------------------------------------------------------------------------|
 * | off       | the contract alone: no reads of the guard, no score, no ring, no audit row                    |
 * | shadow    | the guard judges, and diverts nothing                                                         |
 * | enforce   | the guard judges and diverts                                                                  |
 * | read-blobs | as enforce, with both blobs of the detector read by every call (rule A of the design)        |
 * | unbatched | as enforce, with a message for every read and every write                                     |
 */
import { canonicalJson } from '../src/canonical-json.js';
import { createJudges } from '../src/active-detector.js';
import type { ChaincodeParts } from '../src/chaincode-server.js';
import { contractsOf, type ContractConstructor } from '../src/contracts/index.js';
import { Denial } from '../src/denial.js';

export type ArmName = 'off' | 'shadow' | 'enforce' | 'read-blobs' | 'unbatched';

/** The parts of a chaincode process that make it that arm. Shadow and enforce are states of the ledger, not of the process. */
export function partsOf(arm: ArmName): ChaincodeParts {
  if (arm === 'read-blobs') return { judges: { ...createJudges(), known: () => null } };
  if (arm === 'unbatched') return { batches: null };
  if (arm !== 'off') return {};
  return {
    contracts: (options) =>
      contractsOf(options).map(
        (ContractClass) =>
          function () {
            return unguarded(new ContractClass());
          } as unknown as ContractConstructor,
      ),
  };
}

/** Takes the guard off one instance, and leaves its functions and its serialisation as they are. */
function unguarded<Contract extends object>(contract: Contract): Contract {
  const functions = contract as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return Object.assign(contract, {
    async aroundTransaction(ctx: unknown, name: string, args: readonly string[]): Promise<string> {
      const result = await functions[name]!(ctx, ...args);
      if (result instanceof Denial) throw new Error(result.reason);
      return canonicalJson(result as never);
    },
  });
}
