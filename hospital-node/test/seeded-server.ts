/**
 * The analyst page over a small, seeded review: what the browser test drives, and what a designer looks at.
 * `node --import tsx hospital-node/test/seeded-server.ts` serves it until Ctrl-C (people: ana, ben, sam, the supervisor, and oda, the privacy officer; password below).
 * @module
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  actorOf,
  type DecodedTransaction,
  type QuarantineRecord,
} from '@bhschain/chaincode-hooks/events';
import { PUBLIC_CANARIES } from '@bhschain/models/detector';
import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { openAuditLog } from '../src/audit/audit-log.js';
import { applyBlock } from '../src/fabric/block-checkpoint.js';
import { ChaincodeError } from '../src/fabric/errors.js';
import { createIdentity } from '../src/fabric/identity.js';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../src/http-server.js';
import { createCallIntake } from '../src/review/call-intake.js';
import type { NodeDatabase } from '../src/store/index.js';
import { addPerson } from '../src/review/people.js';
import { openDirectory } from '../src/review/re-identification.js';
import { createSuppressionIntake } from '../src/review/suppressions.js';
import { openReviewStore } from '../src/review/review-store.js';
import type { SecondLine } from '../src/second-line/second-line.js';
import {
  detectorTransaction,
  heldTransaction,
  heldWindows,
  ringBytesOf,
  scorerOfDetectorZero,
} from './evidence-fixture.js';
import { consortium, identityOf } from './identity-fixture.js';
import { createTestChain, originOf, type Origin, type Signer } from './block-fixture.js';
import {
  advanced,
  hashOf,
  migratedDatabase,
  recordOf,
  temporaryFolder,
  transactionOf,
  write,
} from './review-fixture.js';
import { BUDGET, seedDays, type SeededDays } from './seeded-days.js';

export const PASSWORD = 'correct horse battery';
const HOUR_MS = 3_600_000;
/** Causes of a review of a call that ran. */
const RAN: ReadonlySet<QuarantineRecord['cause']> = new Set(['break-glass', 'second-line']);

const SCENES: readonly Scene[] = [
  { fn: 'export', role: 'clerk', ward: 'billing', args: ['40', 'treatment', 'notes'], dueH: 0.7 },
  {
    fn: 'requestAccess',
    role: 'nurse',
    ward: 'ward-4B',
    args: ['treatment', 'mental-health', '1'],
    dueH: 3,
  },
  { fn: 'erase', role: 'administrator', ward: 'it', args: ['notes', 'retention'], dueH: 7.5 },
  {
    fn: 'amend',
    role: 'physician',
    ward: 'surgery',
    args: ['medication', 'x', 'y', '3', 'treatment'],
    dueH: 16,
  },
  {
    fn: 'breakGlass',
    role: 'resident',
    ward: 'emergency',
    args: ['specific', 'results'],
    dueH: 22,
  },
];

/** Decided holds of the last weeks: action, finding, hours ago, reason. */
const DECIDED = [
  [
    'release',
    'benign-expected',
    30,
    'Quarterly report of billing, confirmed with the head of the ward.',
  ],
  [
    'release',
    'false-positive-model',
    52,
    'Transfer of a patient from ward 2; the detector did not know it.',
  ],
  [
    'reject',
    'attack',
    75,
    'Exported at night from a machine that nobody was at; account taken over.',
  ],
  ['release', 'benign-expected', 120, 'Night shift on call, roster checked with the ward.'],
  ['reject', 'policy-breach', 200, 'Looked up a neighbour; admitted it to the head of the ward.'],
  ['release', 'benign-expected', 290, 'Month-end invoices, as every month.'],
  ['release', 'accident', 400, 'Wrong patient of the same name, closed again at once.'],
] as const;

const ORDINARY_PER_PERSON = 24;

/** Normal windows of the public canaries, as calls that ran, for the people of the scenes and for others like them. */
function ordinaryCalls(o: {
  readonly nowMs: number;
  readonly signer: (mspId: string, name: string, attributes: Record<string, string>) => Signer;
  readonly own: readonly Signer[];
}): (ReturnType<typeof transactionOf> & { readonly origin: Origin })[][] {
  const normal = PUBLIC_CANARIES.windows.filter(
    (window, i) => PUBLIC_CANARIES.labels[i] === 0 && window.mask === 0,
  );
  const others = ['clerk/billing', 'nurse/ward-4B'].flatMap((kind) => {
    const [role = '', ward = ''] = kind.split('/');
    return [1, 2, 3, 4].map((n) => o.signer('H1MSP', `${role}-${n}`, { role, ward }));
  });
  return [...o.own.slice(0, 2), ...others].map((creator, person) =>
    Array.from({ length: ORDINARY_PER_PERSON }, (_, i) => {
      const window = normal[(person * ORDINARY_PER_PERSON + i * 7) % normal.length]!;
      const origin = originOf(creator);
      const actor = actorOf('H1MSP', creator.certificatePem);
      const session = hashOf(`${person} ${i}`).slice(0, 16);
      const ring = Buffer.concat([ringBytesOf(window), Buffer.alloc(8, 7)]);
      return {
        ...transactionOf({
          txId: origin.txId,
          timestampMs: o.nowMs - ((i * 6.7 + person * 0.9) % 160) * HOUR_MS - 30 * 60_000,
          function: `RecordAccessContract:${['requestAccess', 'export', 'openSession'][i % 3]!}`,
          args: [session, hashOf('handle'), ''],
          creator: { mspId: 'H1MSP', certificatePem: creator.certificatePem, actor },
          writes: [write(['ctx', actor, session], ring)],
        }),
        origin,
      };
    }),
  );
}

export interface SeededServer extends HttpServer {
  /** Transaction ids, in the order of `SCENES`. */
  readonly holds: string[];
  /** Where the audit log lies. */
  readonly stateDir: string;
  readonly database: NodeDatabase;
  /** With a history only. */
  readonly days: SeededDays | null;
  readonly secondLine: SecondLine;
}

export interface Scene {
  readonly fn: string;
  readonly role: string;
  readonly ward: string;
  readonly args: readonly string[];
  readonly dueH: number;
  /** Another hospital's; absent: this one's. */
  readonly mspId?: string;
  /** In this hospital's directory; absent: a number. */
  readonly name?: string;
}

/**
 * @param o.more - further holds, behind the seeded ones
 * @param o.history - a week of ordinary calls by people like those of the scenes, holds that were decided, and days of
 *   accounts that were ranked
 * @param o.ownCallOf - the first scene's call is this person's own
 * @param o.now - the server's clock
 */
export async function startSeededServer(
  o: {
    /** Its owner closes it; absent: a SQLite of its own. */
    readonly database?: NodeDatabase;
    readonly port?: number;
    readonly hospital?: 'H1' | 'H2';
    readonly more?: readonly Scene[];
    readonly history?: boolean;
    /** Where the built page lies; that of the last build otherwise. */
    readonly consoleDir?: string;
    readonly ownCallOf?: 'ana';
    readonly now?: () => number;
    readonly signIn?: NonNullable<HttpServerOptions['signIn']>;
  } = {},
): Promise<SeededServer> {
  /** All that lies in the past is told from here: a day or an hour may be over before everything is in place. */
  const startedMs = Date.now();
  const hospital = o.hospital ?? 'H1';
  const mspId = `${hospital}MSP`;
  const database = o.database ?? (await migratedDatabase());
  const world = consortium();
  const people: Record<string, string> = {};
  const signers = new Map<string, Signer>();
  for (const [name, role] of [
    ['ana', 'analyst'],
    ['ben', 'analyst'],
    ['sam', 'supervisor'],
    ['oda', 'privacy-officer'],
  ] as const) {
    const attributes = { role: role === 'supervisor' ? 'analyst' : role };
    const identity = identityOf(world, { mspId, name, attributes });
    const person = { database, name, role, password: PASSWORD, mspId } as const;
    const { actor } = await addPerson({ ...person, ...identity, now: Date.now });
    people[name] = actor;
    signers.set(actor, { mspId, ...identity });
  }
  const review = openReviewStore(database);
  const records = new Map<string, QuarantineRecord>();
  const signer = (org: string, name: string, attributes: Record<string, string>): Signer => ({
    mspId: org,
    ...identityOf(world, { mspId: org, name, attributes }),
  });
  const chain = createTestChain([signer('H1MSP', 'peer0.h1', {}), signer('H2MSP', 'peer0.h2', {})]);
  const append = async (
    transaction: ReturnType<typeof transactionOf>,
    origin: Origin,
  ): Promise<string> => {
    await appendAll([{ ...transaction, origin }]);
    return origin.txId;
  };
  let nextBlock = 0n;
  const committed = new Map<string, DecodedTransaction>();
  /** Blocks come one after the other, as from a stream, whoever submits at the same time. */
  let applied: Promise<void> = Promise.resolve();
  type Transactions = readonly (ReturnType<typeof transactionOf> & { readonly origin: Origin })[];
  const appendAll = (transactions: Transactions): Promise<void> => {
    const applying = applied.then(() => appendNow(transactions));
    applied = applying.catch(() => undefined);
    return applying;
  };
  const appendNow = async (transactions: Transactions): Promise<void> => {
    const block = chain.block(transactions);
    await applyBlock(review.database, {
      channel: 'consortium',
      block,
      consumers: [review.consumer, createSuppressionIntake({ mspId }), createCallIntake({ mspId })],
      atMs: Date.now(),
    });
    for (const transaction of block.transactions) committed.set(transaction.txId, transaction);
    nextBlock = block.number + 1n;
  };
  const node = signer(mspId, 'gateway.h1', {});
  const step = async (
    txId: string,
    change: Parameters<typeof advanced>[1],
    atMs = Date.now(),
    beforeSend?: (stepTxId: string) => void | Promise<void>,
  ): Promise<string> => {
    const moved = advanced(records.get(txId)!, change);
    const last = { ...moved.history.at(-1)!, atMs };
    const record = { ...moved, history: [...moved.history.slice(0, -1), last] };
    records.set(txId, record);
    const origin = originOf(signers.get(change.by)!);
    await beforeSend?.(origin.txId);
    const grant =
      record.state === 'released'
        ? [
            write(['grant', record.actor, txId], {
              quarantine: txId,
              digest: record.digest,
              expires: Date.now() + 24 * HOUR_MS,
            }),
          ]
        : [];
    return append(
      transactionOf({
        txId: origin.txId,
        function: `QuarantineContract:${change.step}`,
        args: [txId, String(record.version - 1), record.proposal?.reasonDigest ?? ''],
        writes: [write([RAN.has(record.cause) ? 'rev' : 'q', txId], record), ...grant],
      }),
      origin,
    );
  };

  const scorer = scorerOfDetectorZero();
  const held = heldWindows(scorer).filter(({ window }) => window.rows.length >= 9);
  await append(detectorTransaction(), originOf(node));
  const holds: string[] = [];
  const stateDir = temporaryFolder();
  const directory = join(stateDir, 'actors.jsonl');
  const scenes = [...SCENES, ...(o.more ?? [])];
  const actors = scenes.map((scene, i) =>
    i === 0 && o.ownCallOf !== undefined
      ? signers.get(people[o.ownCallOf]!)!
      : signer(scene.mspId ?? mspId, `clin-${i}`, { role: scene.role, ward: scene.ward }),
  );
  if (o.history === true) {
    for (const calls of ordinaryCalls({ nowMs: startedMs, signer, own: actors }))
      await appendAll(calls);
  }
  if (o.history === true) {
    for (const [i, [action, finding, hoursAgo, why]] of DECIDED.entries()) {
      const filedMs = startedMs - hoursAgo * HOUR_MS;
      const identity = actors[i % 2]!;
      const origin = originOf(identity);
      const actor = actorOf(mspId, identity.certificatePem);
      const { fn, args } = SCENES[i % 2]!;
      const transaction = heldTransaction({
        name: `decided ${i}`,
        window: held[(i * 5) % held.length]!.window,
        scorer,
        record: {
          ...{ txId: origin.txId, session: `0123456789abcd${10 + i}`, actor, mspId },
          function: `RecordAccessContract:${fn}`,
          ...{ atMs: filedMs, filedMs, deadlineMs: filedMs + 24 * HOUR_MS },
          history: [{ step: 'file', by: actor, mspId, atMs: filedMs, to: 'open' }],
        },
        transaction: {
          creator: { mspId, certificatePem: identity.certificatePem, actor },
          timestampMs: filedMs,
          args: [`0123456789abcd${10 + i}`, hashOf('handle'), ...args, ''],
        },
      });
      records.set(
        origin.txId,
        JSON.parse(Buffer.from(transaction.writes[0]!.value).toString()) as QuarantineRecord,
      );
      await append(transaction, origin);
      const [first, second] = i % 3 === 0 ? ['ben', 'ana'] : ['ana', 'ben'];
      const by = people[first]!;
      const claimed = { step: 'claim', by, to: 'claimed', holder: by } as const;
      await step(origin.txId, claimed, filedMs + 0.5 * HOUR_MS);
      const proposal = { by, action, finding, reasonDigest: await review.keepReason(why) };
      await step(origin.txId, { step: 'propose', by, to: 'proposed', proposal }, filedMs + HOUR_MS);
      const decided = { step: 'approve', by: people[second]!, holder: null } as const;
      await step(
        origin.txId,
        {
          ...decided,
          to: action === 'release' ? 'released' : 'rejected',
          deadlineMs: filedMs + 31 * 24 * HOUR_MS,
        },
        filedMs + (i === 4 ? 30 : 2 + i * 0.3) * HOUR_MS,
      );
    }
  }

  for (const [i, scene] of scenes.entries()) {
    const identity = actors[i]!;
    const origin = originOf(identity);
    const org = scene.mspId ?? mspId;
    const actor = actorOf(org, identity.certificatePem);
    const glass = scene.fn === 'breakGlass';
    const record = {
      txId: origin.txId,
      session: '0123456789abcdef',
      actor,
      mspId: org,
      function: `RecordAccessContract:${scene.fn}`,
      digest: hashOf(`digest ${i}`),
      cause: glass ? ('break-glass' as const) : ('score' as const),
      atMs: Date.now() - 20 * 60_000,
      filedMs: Date.now() - (i + 1) * 11 * 60_000,
      deadlineMs: Date.now() + scene.dueH * HOUR_MS,
    };
    const { window } = held[Math.floor(((i + 1) * (held.length - 1)) / scenes.length)]!;
    const transaction = heldTransaction({
      name: `scene ${i}`,
      window,
      scorer,
      record: {
        ...record,
        history: [{ step: 'file', by: actor, mspId: org, atMs: record.filedMs, to: 'open' }],
      },
      transaction: {
        creator: { mspId: org, certificatePem: identity.certificatePem, actor },
        timestampMs: record.filedMs,
        args: [record.session, hashOf('handle'), ...scene.args, ''],
      },
    });
    const written = JSON.parse(
      Buffer.from(transaction.writes[0]!.value).toString(),
    ) as QuarantineRecord;
    records.set(record.txId, written);
    if (org === mspId) {
      const line = { actor: scene.name ?? `Person ${i}`, ledgerActor: actor };
      appendFileSync(directory, `${JSON.stringify(line)}\n`);
    }
    holds.push(record.txId);
    await append(
      glass
        ? {
            ...transaction,
            writes: [
              { ...transaction.writes[0]!, key: ['rev', record.txId] },
              ...transaction.writes.slice(1),
            ],
          }
        : transaction,
      origin,
    );
  }
  const claim = {
    step: 'claim',
    by: people['ben']!,
    to: 'claimed',
    holder: people['ben']!,
  } as const;
  await step(holds[3]!, claim);
  await step(holds[3]!, {
    step: 'propose',
    by: people['ben']!,
    to: 'proposed',
    proposal: {
      by: people['ben']!,
      action: 'release',
      finding: 'benign-expected',
      reasonDigest: await review.keepReason(
        'On call for surgery this weekend (roster checked); amended after a phone order from Dr. Lindqvist.',
      ),
    },
  });
  await step(holds[2]!, { ...claim, by: people['ben']!, holder: people['ben']! });

  const days =
    o.history === true
      ? await seedDays(database, {
          clerk: actorOf(mspId, actors[0]!.certificatePem),
          clerkMs: startedMs - DECIDED[0][2] * HOUR_MS,
          nurse: actorOf(mspId, actors[1]!.certificatePem),
          nowMs: startedMs,
        })
      : null;
  let daysVersion = 0;
  /** As the contract does it: one record, and none where there is one. */
  const report = async (args: readonly string[]): Promise<string> => {
    const [txId = '', actor = '', called = '', digest = ''] = args;
    if (records.has(txId)) {
      throw new ChaincodeError({
        chaincodeCode: 'ERR_REVIEW_STATE',
        sentence: 'there is a record of it',
      });
    }
    const origin = originOf(node);
    const by = actorOf(mspId, node.certificatePem);
    const filedMs = Date.now();
    const nothing = { score: null, modelVersion: null, modelHash: null, reasons: [] };
    const record = recordOf({
      ...{ txId, actor, mspId, function: called, digest, cause: 'second-line', ...nothing },
      ...{ session: '', ringDigest: '', codeHash: '', atMs: filedMs, filedMs },
      deadlineMs: filedMs + 24 * HOUR_MS,
      history: [{ step: 'report', by, mspId, atMs: filedMs, to: 'open' }],
    });
    records.set(txId, record);
    await append(
      transactionOf({
        ...{ txId: origin.txId, function: 'QuarantineContract:report', args: [...args] },
        writes: [write(['rev', txId], record)],
      }),
      origin,
    );
    return origin.txId;
  };
  const fabric: HttpServerOptions['fabric'] & SecondLine['fabric'] = {
    kind: 'development ledger',
    channel: 'consortium',
    transaction: (txId) => Promise.resolve(committed.get(txId) ?? null),
    evaluate: (_fn, args) => Promise.resolve(chain.bytesOf(Number(args[1]))),
    submit: async (fn, args, call) => {
      const outcome = { code: 0 as const, blockNumber: 1n, result: new Uint8Array(), attempts: 1 };
      if (fn === 'QuarantineContract:report') {
        return { ...outcome, txId: await report(args.map(String)) };
      }
      const by = actorOf(mspId, call?.identity?.certificatePem ?? '');
      const [txId = '', , action = '', finding = '', digest = ''] = args.map(String);
      const name = fn.split(':')[1] ?? '';
      const record = records.get(txId) ?? (await recordIn(review.database, txId));
      records.set(txId, record);
      if (name === 'approve' && record.proposal?.by === by) {
        throw new ChaincodeError({
          chaincodeCode: 'ERR_FOUR_EYES',
          sentence: 'approve is for a second person',
        });
      }
      const changes: Record<string, Parameters<typeof advanced>[1]> = {
        claim: { step: name, by, to: 'claimed', holder: by },
        unclaim: { step: name, by, to: 'open', holder: null },
        return: { step: name, by, to: 'claimed', proposal: null },
        propose: {
          step: name,
          by,
          to: 'proposed',
          proposal: {
            by,
            action: action as 'release',
            finding: finding as 'test',
            reasonDigest: digest,
          },
        },
        escalate: { step: name, by, to: 'escalated', holder: null, proposal: null },
        appeal: { step: name, by, to: 'escalated', holder: null, proposal: null, appealed: true },
        close: { step: name, by, to: 'closed', holder: null },
        approve: {
          step: name,
          by,
          to: record.proposal?.action === 'reject' ? 'rejected' : 'released',
          holder: null,
        },
      };
      return {
        ...outcome,
        txId: await step(txId, changes[name]!, Date.now(), call?.beforeSend),
      };
    },
  };
  const secondLine: SecondLine = {
    ...{ database: review.database, daysPerDay: BUDGET, version: () => daysVersion, fabric },
    ledgerActorOf: (handle) => days?.ledgerActorOf(handle) ?? null,
    changed: () => {
      daysVersion++;
      return Promise.resolve();
    },
  };

  const server = await startHttpServer({
    host: '127.0.0.1',
    port: o.port ?? 0,
    secondLine,
    consoleDir: o.consoleDir ?? fileURLToPath(new URL('../dist/console', import.meta.url)),
    hospital,
    mspId,
    review,
    fabric,
    follower: {
      health: () => ({
        connected: true,
        nextBlock,
        lagBlocks: 0,
        lastBlockAtMs: Date.now(),
        reconnects: 0,
        lastErrorCode: null,
      }),
    },
    officer: {
      audit: openAuditLog({ stateDir, now: Date.now }),
      directory: openDirectory(directory),
      identity: createIdentity({
        mspId,
        certificatePem: node.certificatePem,
        privateKey: node.privateKeyPem,
      }),
      theta: 870_000,
    },
    ...(o.signIn === undefined ? {} : { signIn: o.signIn }),
    metrics: new Registry(),
    ready: () => ({ ok: true, checks: {} }),
    status: () => ({}),
    now: o.now ?? Date.now,
  });
  const close = async (): Promise<void> => {
    await server.close();
    if (o.database === undefined) await database.destroy();
  };
  return {
    ...server,
    holds,
    stateDir,
    database,
    days,
    secondLine,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Of a hold that a test has put there itself. */
async function recordIn(database: NodeDatabase, txId: string): Promise<QuarantineRecord> {
  const { rows } = await sql<{ record: string }>`
    SELECT record FROM hold WHERE tx_id = ${txId}`.execute(database);
  return JSON.parse(rows[0]!.record) as QuarantineRecord;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startSeededServer({ port: Number(process.argv[2] ?? 0), history: true });
  process.stdout.write(`http://127.0.0.1:${server.port}/ ana, ben, sam or oda / ${PASSWORD}\n`);
}
