/**
 * Claims for encounters that took place. The rules are in `business/claim.ts`.
 *
 * A claim names an encounter that a clinician of the provider has recorded for the same record, and a service (encounter,
 * code, day) is billed once: both are looked up on the ledger, and what fails is a recorded denial.
 * @module
 */
import { hashArgument } from '../arguments.js';
import { noteEncounter } from '../business/care-relation.js';
import {
  advanceClaim,
  totalOf,
  type Claim,
  type ClaimCommand,
  type ClaimLine,
  type ClaimStep,
} from '../business/claim.js';
import { canonicalBytes, type JsonObject } from '../canonical-json.js';
import { Denial, type BusinessResult } from '../denial.js';
import { sha256Hex } from '../digest.js';
import { ChaincodeError } from '../errors.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { billedServiceKey, claimKey, encounterKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

const CLINICIANS: readonly string[] = [
  'nurse',
  'physician',
  'resident',
  'allied',
  'laboratory',
  'radiology',
  'pharmacist',
];

export class ClaimsContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('ClaimsContract', options);
  }

  /** By whoever treated; the digest is of the encounter as the hospital's own system has it. */
  async recordEncounter(
    ctx: GuardContext,
    ...[, record, encounter]: Args
  ): Promise<BusinessResult> {
    const caller = callerOf(ctx);
    if (!CLINICIANS.includes(caller.role)) return new Denial('wrong-role');
    const key = encounterKey(caller.mspId, encounter!);
    if ((await readObject(ctx, key, 'encounter')) !== null) return new Denial('duplicate');
    const atMs = transactionTimeMs(ctx);
    await writeObject(ctx, key, { record: record!, by: caller.actor, atMs });
    await noteEncounter(ctx, record!, caller, atMs);
    return { encounter: encounter! };
  }

  /** The claim's name is the id of this transaction. */
  async submit(
    ctx: GuardContext,
    ...[, record, encounter, payer, lines, documentDigest]: Args
  ): Promise<BusinessResult> {
    const { mspId } = callerOf(ctx);
    if (payer === mspId) return new Denial('wrong-organisation');
    const known = await readObject(ctx, encounterKey(mspId, encounter!), 'encounter');
    const parsed = parseLines(lines!);
    const claim = ctx.stub.getTxID();
    const services = await readServices(ctx, encounter!, parsed);
    if (known?.['record'] !== record) return new Denial('no-encounter');
    if (services.some(({ billedBy }) => billedBy !== '') || hasTwice(services)) {
      return new Denial('duplicate');
    }
    for (const { key } of services) await ctx.stub.putState(key, Buffer.from(claim));
    return write(ctx, {
      claim,
      encounter: encounter!,
      record: record!,
      provider: mspId,
      payer: payer!,
      lines: parsed,
      totalMinor: totalOf(parsed),
      documentDigest: documentDigest!,
      state: 'submitted',
      version: 1,
      approvedMinor: null,
      reasonClass: 'none',
      adjudicatedMs: null,
      wasDisputed: false,
      resolution: null,
      previous: [],
    });
  }

  /** A new version after adjudication; it keeps the digest of the old one. */
  async revise(
    ctx: GuardContext,
    ...[, claim, lines, documentDigest]: Args
  ): Promise<BusinessResult> {
    return step(ctx, 'revise', claim!, {
      lines: parseLines(lines!),
      documentDigest: documentDigest!,
    });
  }

  async withdraw(ctx: GuardContext, ...[, claim]: Args): Promise<BusinessResult> {
    return step(ctx, 'withdraw', claim!, {});
  }

  /** The whole total accepts, less reduces, 0 denies. */
  async adjudicate(
    ctx: GuardContext,
    ...[, claim, amountMinor, reasonClass]: Args
  ): Promise<BusinessResult> {
    const decided = { amountMinor: Number(amountMinor), reasonClass: reasonClass! };
    return step(ctx, 'adjudicate', claim!, decided);
  }

  async dispute(ctx: GuardContext, ...[, claim, documentDigest]: Args): Promise<BusinessResult> {
    return step(ctx, 'dispute', claim!, { documentDigest: documentDigest! });
  }

  async proposeResolution(
    ctx: GuardContext,
    ...[, claim, amountMinor]: Args
  ): Promise<BusinessResult> {
    return step(ctx, 'proposeResolution', claim!, { amountMinor: Number(amountMinor) });
  }

  /** By the other side than the one that proposed it, naming the same amount. */
  async resolve(ctx: GuardContext, ...[, claim, amountMinor]: Args): Promise<BusinessResult> {
    return step(ctx, 'resolve', claim!, { amountMinor: Number(amountMinor) });
  }

  async settle(ctx: GuardContext, ...[, claim, documentDigest]: Args): Promise<BusinessResult> {
    return step(ctx, 'settle', claim!, { documentDigest: documentDigest! });
  }

  async get(ctx: GuardContext, ...[claim]: Args): Promise<JsonObject> {
    const found = await readObject(ctx, claimKey(hashArgument(claim, 'claim')), 'claim');
    if (found === null) throw new ChaincodeError('ERR_NOT_FOUND', 'no such claim');
    return found;
  }
}

async function step(
  ctx: GuardContext,
  name: ClaimStep,
  claim: string,
  more: Partial<ClaimCommand>,
): Promise<BusinessResult> {
  const stored = await readObject(ctx, claimKey(claim), 'claim');
  if (stored === null) return new Denial('not-found');
  const before = stored as unknown as Claim;
  const after = advanceClaim(before, name, {
    caller: callerOf(ctx),
    atMs: transactionTimeMs(ctx),
    digest: sha256Hex(canonicalBytes(stored)),
    ...more,
  });
  if (after instanceof Denial) return after;
  return (await moveServices(ctx, before, after)) ?? write(ctx, after);
}

/** Releases the services that a claim bills no longer and takes the new ones; a denial if another claim has one of them. */
async function moveServices(
  ctx: GuardContext,
  before: Claim,
  after: Claim,
): Promise<Denial | null> {
  const wanted = after.state === 'withdrawn' ? [] : after.lines;
  if (wanted === before.lines) return null;
  const old = before.lines.map((line) => serviceKey(before.encounter, line));
  const services = await readServices(ctx, before.encounter, wanted);
  const taken = services.some(({ billedBy }) => billedBy !== '' && billedBy !== before.claim);
  if (taken || hasTwice(services)) return new Denial('duplicate');
  const keys = services.map(({ key }) => key);
  for (const key of old) if (!keys.includes(key)) await ctx.stub.deleteState(key);
  for (const key of keys) {
    if (!old.includes(key)) await ctx.stub.putState(key, Buffer.from(before.claim));
  }
  return null;
}

interface BilledService {
  readonly key: string;
  /** The claim that bills it; empty if none does. */
  readonly billedBy: string;
}

async function readServices(
  ctx: GuardContext,
  encounter: string,
  lines: readonly ClaimLine[],
): Promise<readonly BilledService[]> {
  return Promise.all(
    lines.map(async (line) => {
      const key = serviceKey(encounter, line);
      return { key, billedBy: Buffer.from(await ctx.stub.getState(key)).toString('utf8') };
    }),
  );
}

function serviceKey(encounter: string, { code, day }: ClaimLine): string {
  return billedServiceKey(encounter, code, day);
}

function hasTwice(services: readonly BilledService[]): boolean {
  return new Set(services.map(({ key }) => key)).size !== services.length;
}

async function write(ctx: GuardContext, claim: Claim): Promise<JsonObject> {
  await writeObject(ctx, claimKey(claim.claim), claim);
  const { claim: name, state, version, totalMinor, approvedMinor } = claim;
  const facts = { claim: name, state, version, totalMinor, approvedMinor };
  ctx.emit('claim', facts);
  return facts;
}

/** After the argument's form was checked. */
function parseLines(text: string): readonly ClaimLine[] {
  return text.split(',').map((line) => {
    const [code = '', day = '', units, amountMinor] = line.split('/');
    return { code, day, units: Number(units), amountMinor: Number(amountMinor) };
  });
}
