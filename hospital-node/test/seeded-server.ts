/**
 * The analyst page over a small, seeded review: what the browser test drives, and what a designer looks at.
 * `node --import tsx hospital-node/test/seeded-server.ts` serves it until Ctrl-C (people: ana, ben, and oda, the privacy officer; password below).
 * @module
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { actorOf, type QuarantineRecord } from '@bhschain/chaincode-hooks/events';
import { Registry } from 'prom-client';
import { openAuditLog } from '../src/audit/audit-log.js';
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import { ChaincodeError } from '../src/fabric/errors.js';
import { createIdentity } from '../src/fabric/identity.js';
import { startHttpServer, type HttpServer } from '../src/http-server.js';
import { addPerson } from '../src/review/people.js';
import { openDirectory } from '../src/review/re-identification.js';
import { openReviewStore } from '../src/review/review-store.js';
import {
  detectorTransaction,
  heldTransaction,
  heldWindows,
  scorerOfDetectorZero,
} from './evidence-fixture.js';
import { consortium, identityOf } from './identity-fixture.js';
import { createTestChain, originOf, type Origin, type Signer } from './block-fixture.js';
import {
  advanced,
  hashOf,
  migratedFile,
  temporaryFolder,
  transactionOf,
  write,
} from './review-fixture.js';

export const PASSWORD = 'correct horse battery';
const HOUR_MS = 3_600_000;

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

export interface SeededServer extends HttpServer {
  /** Transaction ids, in the order of `SCENES`. */
  readonly holds: string[];
  /** Where the audit log lies. */
  readonly stateDir: string;
}

export interface Scene {
  readonly fn: string;
  readonly role: string;
  readonly ward: string;
  readonly args: readonly string[];
  readonly dueH: number;
}

/** @param o.more - further holds, behind the seeded ones */
export async function startSeededServer(
  o: { readonly port?: number; readonly more?: readonly Scene[] } = {},
): Promise<SeededServer> {
  const file = await migratedFile();
  const world = consortium();
  const people: Record<string, string> = {};
  const signers = new Map<string, Signer>();
  for (const [name, role] of [
    ['ana', 'analyst'],
    ['ben', 'analyst'],
    ['oda', 'privacy-officer'],
  ] as const) {
    const identity = identityOf(world, { mspId: 'H1MSP', name, attributes: { role } });
    const person = { file, name, role, password: PASSWORD, mspId: 'H1MSP' } as const;
    const { actor } = await addPerson({ ...person, ...identity, now: Date.now });
    people[name] = actor;
    signers.set(actor, { mspId: 'H1MSP', ...identity });
  }
  const review = openReviewStore({ file });
  const records = new Map<string, QuarantineRecord>();
  const signer = (mspId: string, name: string, attributes: Record<string, string>): Signer => ({
    mspId,
    ...identityOf(world, { mspId, name, attributes }),
  });
  const chain = createTestChain([signer('H1MSP', 'peer0.h1', {}), signer('H2MSP', 'peer0.h2', {})]);
  const append = async (
    transaction: ReturnType<typeof transactionOf>,
    origin: Origin,
  ): Promise<string> => {
    await applyBlock(review.database, {
      channel: 'consortium',
      block: chain.block([{ ...transaction, origin }]),
      consumers: [review.consumer],
      atMs: Date.now(),
    });
    return origin.txId;
  };
  const node = signer('H1MSP', 'gateway.h1', {});
  const step = async (txId: string, change: Parameters<typeof advanced>[1]): Promise<string> => {
    const record = advanced(records.get(txId)!, change);
    records.set(txId, record);
    const origin = originOf(signers.get(change.by)!);
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
        writes: [write([record.cause === 'break-glass' ? 'rev' : 'q', txId], record), ...grant],
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
  for (const [i, scene] of scenes.entries()) {
    const identity = signer('H1MSP', `clin-${i}`, { role: scene.role, ward: scene.ward });
    const origin = originOf(identity);
    const actor = actorOf('H1MSP', identity.certificatePem);
    const glass = scene.fn === 'breakGlass';
    const record = {
      txId: origin.txId,
      session: '0123456789abcdef',
      actor,
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
        history: [{ step: 'file', by: actor, mspId: 'H1MSP', atMs: record.filedMs, to: 'open' }],
      },
      transaction: {
        creator: { mspId: 'H1MSP', certificatePem: identity.certificatePem, actor },
        args: [record.session, hashOf('handle'), ...scene.args, ''],
      },
    });
    const written = JSON.parse(
      Buffer.from(transaction.writes[0]!.value).toString(),
    ) as QuarantineRecord;
    records.set(record.txId, written);
    appendFileSync(directory, `${JSON.stringify({ actor: `Person ${i}`, ledgerActor: actor })}\n`);
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

  const server = await startHttpServer({
    host: '127.0.0.1',
    port: o.port ?? 0,
    consoleDir: fileURLToPath(new URL('../dist/console', import.meta.url)),
    hospital: 'H1',
    mspId: 'H1MSP',
    review,
    fabric: {
      kind: 'development ledger',
      channel: 'consortium',
      evaluate: (_fn, args) => Promise.resolve(chain.bytesOf(Number(args[1]))),
      submit: async (fn, args, call) => {
        const by = actorOf('H1MSP', call?.identity?.certificatePem ?? '');
        const [txId = '', , action = '', finding = '', digest = ''] = args.map(String);
        const name = fn.split(':')[1] ?? '';
        const record = records.get(txId)!;
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
          approve: {
            step: name,
            by,
            to: record.proposal?.action === 'reject' ? 'rejected' : 'released',
            holder: null,
          },
        };
        const stepTxId = await step(txId, changes[name]!);
        return { txId: stepTxId, code: 0, blockNumber: 1n, result: new Uint8Array(), attempts: 1 };
      },
    },
    follower: {
      health: () => ({
        connected: true,
        nextBlock: readCheckpoint(review.database, 'consortium').nextBlock,
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
        mspId: 'H1MSP',
        certificatePem: node.certificatePem,
        privateKey: node.privateKeyPem,
      }),
      theta: 870_000,
    },
    metrics: new Registry(),
    ready: () => ({ ok: true, checks: {} }),
    status: () => ({}),
    now: Date.now,
  });
  const close = async (): Promise<void> => {
    await server.close();
    review.close();
  };
  return { ...server, holds, stateDir, close, [Symbol.asyncDispose]: close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startSeededServer({ port: Number(process.argv[2] ?? 0) });
  process.stdout.write(`http://127.0.0.1:${server.port}/ ana, ben or oda / ${PASSWORD}\n`);
}
