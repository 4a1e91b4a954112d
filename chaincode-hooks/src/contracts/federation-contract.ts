/**
 * Who belongs to the federation, and what its hospitals know of their own people from before.
 * @module
 */
import { FeatureError, PROFILE_BYTES_MAX, decodeProfile } from '@bhschain/models/features';

import { encodeActorState, newActor } from '../actor-state.js';
import { actorArgument, base64Argument, memberArgument, refusedArgument } from '../arguments.js';
import { canonicalJson, type JsonObject } from '../canonical-json.js';
import { ChaincodeError } from '../errors.js';
import { parseFederationConfig } from '../federation-config.js';
import { callerOf, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { FEDERATION_CONFIG_KEY, actorKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

/** 50 profiles of 2 KB in base64 stay far below a transaction's limit. */
const ENROLMENTS_MAX = 50;

export class FederationContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('FederationContract', options);
  }

  /** Once; the same configuration again is success. */
  async configure(ctx: GuardContext, ...[text]: Args): Promise<JsonObject> {
    const config = { ...parseFederationConfig(text ?? '') } as unknown as JsonObject;
    const stored = await readObject(ctx, FEDERATION_CONFIG_KEY, 'federation config');
    if (stored === null) {
      await writeObject(ctx, FEDERATION_CONFIG_KEY, config);
      return { status: 'configured' };
    }
    if (canonicalJson(stored) !== canonicalJson(config)) {
      throw new ChaincodeError(
        'ERR_CONFIGURED_DIFFERENTLY',
        'the federation has another configuration, and it is written once',
      );
    }
    return { status: 'already-configured' };
  }

  /** The hospital's own people with the profiles of its own history; who is on the ledger already stays as she is. */
  async enrolActors(ctx: GuardContext, ...[text]: Args): Promise<JsonObject> {
    const { mspId } = callerOf(ctx);
    const actors = parseEnrolments(text ?? '');
    const known = await Promise.all(actors.map(({ actor }) => ctx.stub.getState(actorKey(actor))));
    let enrolled = 0;
    for (const [i, { actor, class: actorClass, profile }] of actors.entries()) {
      if (known[i]!.length > 0) continue;
      enrolled++;
      await ctx.stub.putState(
        actorKey(actor),
        encodeActorState({ ...newActor(mspId, actorClass), profile }),
      );
    }
    return { enrolled, present: actors.length - enrolled };
  }

  async config(ctx: GuardContext): Promise<JsonObject> {
    return { config: await readObject(ctx, FEDERATION_CONFIG_KEY, 'federation config') };
  }
}

interface Enrolment {
  readonly actor: string;
  readonly class: 'person' | 'service';
  /** Canonical profile bytes in base64. */
  readonly profile: string;
}

function parseEnrolments(text: string): readonly Enrolment[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = null;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > ENROLMENTS_MAX) {
    throw refusedArgument('actors', `a JSON array of 1 to ${ENROLMENTS_MAX} entries`);
  }
  const actors = list.map((entry: unknown, i) => parseEnrolment(entry, `actors[${i}]`));
  if (new Set(actors.map(({ actor }) => actor)).size !== actors.length) {
    throw refusedArgument('actors', 'each actor once');
  }
  return actors;
}

function parseEnrolment(entry: unknown, path: string): Enrolment {
  if (typeof entry !== 'object' || entry === null) throw refusedArgument(path, 'an object');
  const raw = entry as Readonly<Record<string, unknown>>;
  const profile = raw['profile'];
  const actorClass = raw['class'];
  if (typeof profile !== 'string') throw refusedArgument(`${path}.profile`, 'base64');
  if (typeof actorClass !== 'string') throw refusedArgument(`${path}.class`, 'person or service');
  try {
    decodeProfile(base64Argument(profile, `${path}.profile`, PROFILE_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof FeatureError)) throw error;
    throw refusedArgument(`${path}.profile`, 'canonical profile bytes');
  }
  return {
    actor: actorArgument(raw['actor'], `${path}.actor`),
    class: memberArgument(actorClass, `${path}.class`, ['person', 'service'] as const),
    profile,
  };
}
