/**
 * The base class of every contract on the channel.
 *
 * The contract runtime calls `aroundTransaction` instead of the function; here that call is judged, and the function runs
 * or a quarantine record is written in its place. A base class, because the runtime lists as transactions exactly the own
 * methods of a contract's direct prototype: everything in this file stays private, and no decorator is needed.
 * @module
 */
import fabricContractApi from 'fabric-contract-api';

import { GOVERNANCE_POLICY } from './governance-policy.js';
import { runGoverned } from './governed-call.js';
import { GuardContext } from './guard-context.js';
import { recordUnknownFunction, runGuarded, type GuardOptions } from './guard.js';

const Contract: typeof fabricContractApi.Contract = fabricContractApi.Contract;

/** A transaction function: takes any number of strings, so that the guard, not the runtime, sees a wrong number. */
export type TransactionFunction<Result> = (
  ctx: GuardContext,
  ...args: readonly string[]
) => Promise<Result>;

/** By function: keys that it reads in any case, so that the guard's reads and these are one question to the peer. */
export type ForeseenReads = Readonly<Record<string, readonly string[]>>;

export class GuardedContract extends Contract {
  readonly #options: GuardOptions;
  readonly #foreseen: ForeseenReads;

  constructor(name: string, options: GuardOptions, foreseen: ForeseenReads = {}) {
    super(name);
    this.#options = options;
    this.#foreseen = foreseen;
  }

  override createContext(): GuardContext {
    return new GuardContext();
  }

  /** @returns canonical JSON, always a string: the runtime's own serialiser must not choose the bytes */
  override async aroundTransaction(
    ctx: GuardContext,
    functionName: unknown,
    parameters: readonly string[],
  ): Promise<never> {
    const method = functionName as string;
    const name = `${this.getName()}:${method}`;
    const own = this as unknown as Record<string, TransactionFunction<never>>;
    const run = (): Promise<never> => own[method]!.call(this, ctx, ...parameters);
    const rule = GOVERNANCE_POLICY[name];
    const reply =
      rule === undefined
        ? await runGuarded(ctx, { name, args: parameters }, this.#options, {
            foreseen: this.#foreseen[method] ?? [],
            run,
          })
        : await runGoverned(ctx, { name, args: parameters }, rule, run);
    return reply as never; // the runtime's type says void; the runtime itself sends what is returned
  }

  override async unknownTransaction(ctx: GuardContext): Promise<void> {
    await recordUnknownFunction(ctx, this.#options);
  }
}
