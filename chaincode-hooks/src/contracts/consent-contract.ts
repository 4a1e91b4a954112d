/**
 * Consents: who may use a record, for what, and until when. The rules are in `business/consent.ts`.
 * @module
 */
import { hashArgument } from '../arguments.js';
import {
  advanceConsent,
  requestConsent,
  type Consent,
  type ConsentCommand,
  type ConsentStep,
  type Grantee,
} from '../business/consent.js';
import {
  coveringConsent,
  readConsentsInForce,
  updateConsentsInForce,
} from '../business/consents-in-force.js';
import { type JsonObject } from '../canonical-json.js';
import { Denial, type BusinessResult } from '../denial.js';
import { ChaincodeError } from '../errors.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { consentKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

export class ConsentContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('ConsentContract', options);
  }

  /** The consent's name is the id of this transaction. */
  async request(
    ctx: GuardContext,
    ...[, record, grantee, purposes, sections, notBeforeMs, notAfterMs]: Args
  ): Promise<BusinessResult> {
    const terms = {
      record: record!,
      grantee: parseGrantee(grantee!),
      purposes: purposes!.split(','),
      sections: sections!.split(','),
      notBeforeMs: Number(notBeforeMs),
      notAfterMs: Number(notAfterMs),
    };
    const requested = requestConsent(ctx.stub.getTxID(), terms, commandOf(ctx));
    return requested instanceof Denial ? requested : write(ctx, requested);
  }

  async grant(ctx: GuardContext, ...[, consent, documentDigest]: Args): Promise<BusinessResult> {
    return step(ctx, 'grant', consent!, { documentDigest: documentDigest! });
  }

  async decline(ctx: GuardContext, ...[, consent, reasonClass]: Args): Promise<BusinessResult> {
    return step(ctx, 'decline', consent!, { reasonClass: reasonClass! });
  }

  async activate(ctx: GuardContext, ...[, consent]: Args): Promise<BusinessResult> {
    return step(ctx, 'activate', consent!, {});
  }

  async suspend(ctx: GuardContext, ...[, consent, reasonClass]: Args): Promise<BusinessResult> {
    return step(ctx, 'suspend', consent!, { reasonClass: reasonClass! });
  }

  async resume(ctx: GuardContext, ...[, consent]: Args): Promise<BusinessResult> {
    return step(ctx, 'resume', consent!, {});
  }

  async revoke(ctx: GuardContext, ...[, consent, reasonClass]: Args): Promise<BusinessResult> {
    return step(ctx, 'revoke', consent!, { reasonClass: reasonClass! });
  }

  async narrow(
    ctx: GuardContext,
    ...[, consent, purposes, sections]: Args
  ): Promise<BusinessResult> {
    return step(ctx, 'narrow', consent!, {
      purposes: purposes!.split(','),
      sections: sections!.split(','),
    });
  }

  async get(ctx: GuardContext, ...[consent]: Args): Promise<JsonObject> {
    const found = await readObject(ctx, consentKey(hashArgument(consent, 'consent')), 'consent');
    if (found === null) throw new ChaincodeError('ERR_NOT_FOUND', 'no such consent');
    return found;
  }

  /** Which consent would let the caller herself use a section of a record now; null if none. */
  async check(ctx: GuardContext, ...[record, purpose, section]: Args): Promise<JsonObject> {
    const inForce = await readConsentsInForce(ctx, record!, purpose!);
    const question = { caller: callerOf(ctx), section: section!, atMs: transactionTimeMs(ctx) };
    return { consent: coveringConsent(inForce, question) };
  }
}

function commandOf(ctx: GuardContext): ConsentCommand {
  return { caller: callerOf(ctx), atMs: transactionTimeMs(ctx) };
}

async function step(
  ctx: GuardContext,
  name: ConsentStep,
  consent: string,
  more: Partial<ConsentCommand>,
): Promise<BusinessResult> {
  const stored = await readObject(ctx, consentKey(consent), 'consent');
  if (stored === null) return new Denial('not-found');
  const before = stored as unknown as Consent;
  const after = advanceConsent(before, name, { ...commandOf(ctx), ...more });
  if (after instanceof Denial) return after;
  return (await updateConsentsInForce(ctx, before, after)) ?? write(ctx, after);
}

async function write(ctx: GuardContext, consent: Consent): Promise<JsonObject> {
  await writeObject(ctx, consentKey(consent.consent), consent);
  const { consent: name, state, version } = consent;
  ctx.emit('consent', { consent: name, state, version });
  return { consent: name, state, version };
}

/** After the argument's form was checked. */
function parseGrantee(text: string): Grantee {
  const [mspId = '', ...pairs] = text.split(';');
  const valueOf = (name: string): string =>
    pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return { mspId, role: valueOf('role'), ward: valueOf('ward'), actor: valueOf('actor') };
}
