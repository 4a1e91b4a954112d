import { createHash } from 'node:crypto';

import { DETECTOR_ZERO, encodeDetector, encodeTable } from '@bhschain/models/detector';
import { describe, expect, it } from 'vitest';

import {
  DIGEST,
  HOSPITALS,
  PROVENANCE,
  SESSION,
  STRANGE_EXPORT,
  accepted,
  createConsortium,
  ordinaryMorning,
  proposal,
  quarantined,
  readArgs,
  type Consortium,
} from './consortium-fixture.js';
import { parseLedgerKey } from '../src/ledger-keys.js';
import { person, type Person, type Simulation } from './memory-ledger.js';

const { kernelHash } = DETECTOR_ZERO.detector;

interface Hashes {
  readonly modelHash: string;
  readonly tableHash: string;
}

/** Detector 0 with other parameters, as the round after it would make. */
function detectorBytes(version: number): Uint8Array {
  const { detector } = DETECTOR_ZERO;
  const parameters = Int32Array.from(detector.parameters, (value) => value + version);
  return encodeDetector({ ...detector, version, round: `round ${version}`, parameters });
}

async function propose(o: Consortium, version: number): Promise<Hashes> {
  const args = proposal(version, detectorBytes(version));
  return (await accepted(o.submit(o.ops, 'DetectorContract:propose', args))).reply as Hashes;
}

function attest(o: Consortium, hospital: number, version: number, h: Hashes): Promise<Simulation> {
  return o.submit(o.nodes[hospital]!, 'DetectorContract:attest', [
    String(version),
    h.modelHash,
    h.tableHash,
    kernelHash,
    'any code',
  ]);
}

function activate(o: Consortium, version: number): Promise<Simulation> {
  return o.submit(o.ops, 'DetectorContract:activate', [String(version)]);
}

async function activated(o: Consortium, version: number): Promise<void> {
  const hashes = await propose(o, version);
  await accepted(attest(o, 0, version, hashes));
  await accepted(attest(o, 2, version, hashes));
  await accepted(activate(o, version));
}

async function status(o: Consortium, version = ''): Promise<Record<string, unknown>> {
  const query = { by: o.ops, call: 'DetectorContract:status', args: [version] };
  const { reply, writes, events } = await accepted(o.ledger.simulate(query));
  expect([writes.size, events.length]).toEqual([0, 0]);
  return reply as Record<string, unknown>;
}

describe('proposing', () => {
  it('the same bytes again are success, and write nothing', async () => {
    const o = await createConsortium();
    const again = await accepted(o.submit(o.ops, 'DetectorContract:propose', proposal()));
    expect(again.reply).toEqual({ status: 'already-proposed', version: 0, state: 'active' });
    expect(again.writes.size).toBe(0);
  });

  it('other bytes under a version that is taken are refused', async () => {
    const o = await createConsortium();
    const [, , table, entry] = proposal();
    const other = { ...DETECTOR_ZERO.detector, round: 'other' };
    const bytes = Buffer.from(encodeDetector(other)).toString('base64');
    const refused = await o.submit(o.ops, 'DetectorContract:propose', ['0', bytes, table!, entry!]);
    expect(refused.message).toMatch(/^ERR_DETECTOR_DIGEST: /);
  });

  it('does not touch a blob that is there, so calls in flight stay valid', async () => {
    const o = await createConsortium();
    const args = proposal(1, detectorBytes(1));
    const proposed = await accepted(o.submit(o.ops, 'DetectorContract:propose', args));
    const blobs = [...proposed.writes.keys()].filter((key) => key.includes('blob'));
    expect(blobs).toHaveLength(1); // the model; the table is detector 0's
  });

  it.each([
    ['a version that skips one', 2, () => proposal(2, detectorBytes(2)), 'ERR_DETECTOR_VERSION'],
    ['a version that is not the model’s own', 1, () => proposal(1), 'ERR_DETECTOR_VERSION'],
    [
      'bytes cut short',
      1,
      () => proposal(1, detectorBytes(1).slice(0, -1)),
      'ERR_DETECTOR_INVALID',
    ],
    [
      'a kernel that is not ours',
      1,
      () =>
        proposal(1, encodeDetector({ ...DETECTOR_ZERO.detector, version: 1, kernelHash: DIGEST })),
      'ERR_DETECTOR_INVALID',
    ],
    ['no base64', 1, () => ['1', '!', '!', PROVENANCE], 'ERR_ARGUMENT'],
    [
      'an entry with something else in it',
      1,
      () => [...proposal(1, detectorBytes(1)).slice(0, 3), '{"trust":"me"}'],
      'ERR_ARGUMENT',
    ],
  ])('%s is refused', async (_, version, args, code) => {
    const o = await createConsortium();
    const refused = await o.submit(o.ops, 'DetectorContract:propose', args());
    expect(refused.message).toMatch(new RegExp(`^${code}: `));
    await expect(status(o, String(version))).rejects.toThrow('ERR_NOT_FOUND');
  });

  it('is for the orchestrator of OpsMSP', async () => {
    const o = await createConsortium();
    const args = proposal(1, detectorBytes(1));
    const hospital = person('H1MSP', 'x', { role: 'orchestrator' });
    const byHospital = await o.submit(hospital, 'DetectorContract:propose', args);
    expect(byHospital.message).toMatch(/^ERR_MSP_NOT_ALLOWED: /);
    const clerk = person('OpsMSP', 'x', { role: 'clerk' });
    const byClerk = await o.submit(clerk, 'DetectorContract:propose', args);
    expect(byClerk.message).toMatch(/^ERR_ROLE_NOT_ALLOWED: /);
  });
});

describe('activating', () => {
  it('needs m attestations of the proposed hashes', async () => {
    const o = await createConsortium();
    const hashes = await propose(o, 1);
    await accepted(attest(o, 0, 1, hashes));
    await accepted(attest(o, 0, 1, hashes)); // replaceable, and still one hospital
    const wrong = await attest(o, 1, 1, { ...hashes, modelHash: DIGEST });
    expect(wrong.message).toMatch(/^ERR_DETECTOR_DIGEST: /);
    const early = await activate(o, 1);
    expect(early.message).toMatch(/^ERR_DETECTOR_ATTESTATIONS: .*1 attestations.*needs 2/);
    await accepted(attest(o, 1, 1, hashes));
    const done = await accepted(activate(o, 1));
    expect(done.reply).toMatchObject({ status: 'active', attestations: ['H1MSP', 'H2MSP'] });
  });

  it('an attestation counts for member hospitals only', async () => {
    const o = await createConsortium();
    const hashes = await propose(o, 1);
    const stranger = person('H4MSP', 'node', { role: 'hospital-node' });
    const refused = await o.submit(stranger, 'DetectorContract:attest', [
      '1',
      hashes.modelHash,
      hashes.tableHash,
      kernelHash,
      '',
    ]);
    expect(refused.message).toMatch(/^ERR_MSP_NOT_ALLOWED: /);
    expect(HOSPITALS).not.toContain('H4MSP');
  });

  it('moves the pointer, supersedes the old one, and is idempotent', async () => {
    const o = await createConsortium();
    await activated(o, 1);
    expect(await status(o)).toMatchObject({
      version: 1,
      state: 'active',
      active: { version: 1, previous: 0, mode: 'enforce' },
    });
    expect(await status(o, '0')).toMatchObject({ state: 'superseded' });
    const again = await accepted(activate(o, 1));
    expect([again.reply, again.writes.size]).toEqual([{ status: 'already-active', version: 1 }, 0]);
  });

  it('takes part in the read set of a call in flight, which can then not commit', async () => {
    const o = await createConsortium();
    await ordinaryMorning(o);
    const inFlight = await o.ledger.simulate({
      by: o.clerk,
      call: 'RecordAccessContract:requestAccess',
      args: readArgs(),
    });
    await activated(o, 1);
    const stale = [...inFlight.reads].filter(
      ([key, version]) => (o.ledger.state.get(key)?.version ?? 0) !== version,
    );
    expect(stale.map(([key]) => key)).toEqual(['\u0000det\u0000active\u0000']);
  });

  it('a refused proposal stays refused, and its version is used up', async () => {
    const o = await createConsortium();
    const hashes = await propose(o, 1);
    await accepted(o.submit(o.ops, 'DetectorContract:refuse', ['1', DIGEST]));
    expect((await attest(o, 0, 1, hashes)).message).toMatch(/^ERR_DETECTOR_STATE: /);
    expect((await activate(o, 1)).message).toMatch(/^ERR_DETECTOR_STATE: /);
    await activated(o, 2);
  });

  it('hands out blobs by their hash', async () => {
    const o = await createConsortium();
    const query = { by: o.clerk, call: 'DetectorContract:blob', args: [o.modelHash] };
    await expect(o.ledger.simulate(query)).resolves.toBeDefined();
    const text = Buffer.from(DETECTOR_ZERO.detectorBytes).toString('base64');
    expect((await accepted(o.ledger.simulate(query))).reply).toBe(text);
  });
});

describe('rolling back and withdrawing', () => {
  const admins = HOSPITALS.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
  const vote = (o: Consortium, hospital: number, action: string, version: string) =>
    o.submit(admins[hospital]!, 'DetectorContract:vote', [action, version, DIGEST]);

  it('m hospitals bring a superseded version back, once', async () => {
    const o = await createConsortium();
    await activated(o, 1);
    await accepted(vote(o, 0, 'rollBack', '0'));
    const alone = await o.submit(admins[0]!, 'DetectorContract:rollBack', ['0']);
    expect(alone.message).toMatch(/^ERR_DETECTOR_ATTESTATIONS: /);
    await accepted(vote(o, 1, 'rollBack', '0'));
    await accepted(o.submit(admins[0]!, 'DetectorContract:rollBack', ['0']));
    expect(await status(o)).toMatchObject({ version: 0, active: { version: 0, previous: 1 } });
    expect(await status(o, '1')).toMatchObject({ state: 'superseded' });
    const spent = await o.submit(admins[0]!, 'DetectorContract:rollBack', ['1']);
    expect(spent.message).toMatch(/^ERR_DETECTOR_ATTESTATIONS: /);
  });

  it('a withdrawn version never comes back', async () => {
    const o = await createConsortium();
    await activated(o, 1);
    for (const hospital of [0, 1]) {
      await accepted(vote(o, hospital, 'withdraw', '0'));
      await accepted(vote(o, hospital, 'rollBack', '0'));
    }
    await accepted(o.submit(admins[2]!, 'DetectorContract:withdraw', ['0']));
    const refused = await o.submit(admins[2]!, 'DetectorContract:rollBack', ['0']);
    expect(refused.message).toMatch(/^ERR_DETECTOR_STATE: /);
  });

  it('the active version cannot be withdrawn', async () => {
    const o = await createConsortium();
    for (const hospital of [0, 1]) await accepted(vote(o, hospital, 'withdraw', '0'));
    const refused = await o.submit(admins[0]!, 'DetectorContract:withdraw', ['0']);
    expect(refused.message).toMatch(/^ERR_DETECTOR_STATE: /);
  });
});

describe('a hospital’s own table', () => {
  const { table } = DETECTOR_ZERO;
  const OWN = encodeTable({
    ...table,
    strata: table.strata.map((stratum) => ({ ...stratum, n: stratum.n + 1 })),
  });
  const ownHash = createHash('sha256').update(OWN).digest('hex');
  const calibrate = (o: Consortium, hospital: number, bytes = OWN, blocks = ['0', '9']) =>
    o.submit(o.nodes[hospital]!, 'DetectorContract:calibrate', [
      '0',
      ...blocks,
      Buffer.from(bytes).toString('base64'),
    ]);
  const confirm = (o: Consortium, hospital: number, of: string, hash = ownHash) =>
    o.submit(o.nodes[hospital]!, 'DetectorContract:confirmTable', ['0', of, hash]);

  it('judges that hospital’s calls, and no other’s, once m − 1 others recomputed it', async () => {
    const o = await createConsortium();
    await accepted(calibrate(o, 0));
    expect((await accepted(activate(o, 0))).reply).toEqual({
      status: 'already-active',
      version: 0,
    });
    await accepted(confirm(o, 1, 'H1MSP'));
    expect((await accepted(activate(o, 0))).reply).toEqual({
      status: 'active',
      version: 0,
      tables: { H1MSP: ownHash },
    });
    const readBlobs = async (by: Person): Promise<readonly string[]> => {
      const session = '00000000000000a9';
      const call = 'RecordAccessContract:requestAccess';
      const { reads } = await o.ledger.simulate(
        { by, call, args: readArgs({ session }) },
        o.ledger.endorser(),
      );
      return [...reads.keys()]
        .map(parseLedgerKey)
        .filter(([type, kind]) => type === 'det' && kind === 'blob')
        .map(([, , hash]) => hash!);
    };
    expect(await readBlobs(o.clerk)).toContain(ownHash);
    expect(await readBlobs(person('H2MSP', 'p-9', { role: 'clerk' }))).toContain(o.tableHash);
  });

  it('is confirmed by others, by its hash', async () => {
    const o = await createConsortium();
    await accepted(calibrate(o, 0));
    expect((await confirm(o, 0, 'H1MSP')).message).toMatch(/^ERR_FOUR_EYES: /);
    expect((await confirm(o, 1, 'H1MSP', DIGEST)).message).toMatch(/^ERR_DETECTOR_DIGEST: /);
    expect((await confirm(o, 1, 'H2MSP')).message).toMatch(/^ERR_NOT_FOUND: /);
  });

  it.each([
    ['is not for this kernel of tables', OWN.slice(0, -2)],
    [
      'gives an α beside the public one’s half and double',
      encodeTable({ ...table, alphaPpm: 1_000 }),
    ],
    [
      'was made from too few calls',
      encodeTable({ ...table, strata: table.strata.map((stratum) => ({ ...stratum, n: 999 })) }),
    ],
  ])('is refused where it %s', async (_, bytes) => {
    const o = await createConsortium();
    expect((await calibrate(o, 0, bytes)).message).toMatch(/^ERR_DETECTOR_INVALID: /);
  });

  it('names the blocks it was made from', async () => {
    const o = await createConsortium();
    expect((await calibrate(o, 0, OWN, ['9', '0'])).message).toMatch(/^ERR_ARGUMENT: toBlock: /);
  });
});

describe('the mode', () => {
  const admins = HOSPITALS.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
  const vote = (o: Consortium, i: number, mode: string) =>
    o.submit(admins[i]!, 'DetectorContract:vote', [mode, '0', DIGEST]);
  const setMode = (o: Consortium, mode: string) =>
    o.submit(admins[0]!, 'DetectorContract:setMode', [mode]);

  it('changes by m votes for it, which are used up', async () => {
    const o = await createConsortium();
    await accepted(vote(o, 0, 'shadow'));
    expect((await setMode(o, 'shadow')).message).toMatch(/^ERR_DETECTOR_ATTESTATIONS: /);
    await accepted(vote(o, 2, 'shadow'));
    expect((await accepted(setMode(o, 'shadow'))).reply).toMatchObject({ mode: 'shadow' });
    expect((await accepted(setMode(o, 'shadow'))).reply).toMatchObject({ status: 'already-set' });
    const strange = [SESSION, ...STRANGE_EXPORT, ''];
    const call = await accepted(o.submit(o.clerk, 'RecordAccessContract:export', strange));
    expect(call.reply).toMatchObject({ disposition: 'allowed' });
    for (const i of [0, 1]) await accepted(vote(o, i, 'enforce'));
    await accepted(setMode(o, 'enforce'));
    await quarantined(o);
    expect((await setMode(o, 'shadow')).message).toMatch(/^ERR_DETECTOR_ATTESTATIONS: /);
  });

  it('needs an active detector', async () => {
    const o = await createConsortium({ detector: false });
    expect((await setMode(o, 'shadow')).message).toMatch(/^ERR_NOT_FOUND: /);
    expect((await setMode(o, 'off')).message).toMatch(/^ERR_ARGUMENT: mode: /);
  });
});

describe('an entry of the registry, every step from every state', () => {
  type State = 'proposed' | 'active' | 'superseded' | 'withdrawn' | 'refused';
  type StepName = 'attest' | 'activate' | 'refuse' | 'rollBack' | 'withdraw';

  async function vote(o: Consortium, action: string): Promise<void> {
    for (const mspId of HOSPITALS.slice(0, 2)) {
      const admin = person(mspId, 'admin', { role: 'hospital-admin' });
      await accepted(o.submit(admin, 'DetectorContract:vote', [action, '1', DIGEST]));
    }
  }

  /** Version 1 in that state; detector 0 or version 2 is active beside it. */
  async function inState(state: State): Promise<{ o: Consortium; hashes: Hashes }> {
    const o = await createConsortium();
    const hashes = await propose(o, 1);
    if (state === 'refused') {
      await accepted(o.submit(o.ops, 'DetectorContract:refuse', ['1', DIGEST]));
      return { o, hashes };
    }
    await accepted(attest(o, 0, 1, hashes));
    await accepted(attest(o, 2, 1, hashes));
    if (state === 'proposed') return { o, hashes };
    await accepted(activate(o, 1));
    if (state === 'active') return { o, hashes };
    await activated(o, 2);
    if (state === 'superseded') return { o, hashes };
    await vote(o, 'withdraw');
    const admin = person('H1MSP', 'admin', { role: 'hospital-admin' });
    await accepted(o.submit(admin, 'DetectorContract:withdraw', ['1']));
    return { o, hashes };
  }

  /** Where each step leads; what is not here is refused. */
  const LEADS: Readonly<Record<StepName, Partial<Record<State, State>>>> = {
    attest: { proposed: 'proposed' },
    activate: { proposed: 'active', active: 'active' },
    refuse: { proposed: 'refused' },
    rollBack: { superseded: 'active' },
    withdraw: { proposed: 'withdrawn', superseded: 'withdrawn' },
  };
  const STATES: readonly State[] = ['proposed', 'active', 'superseded', 'withdrawn', 'refused'];
  const cases = (Object.keys(LEADS) as StepName[]).flatMap((step) =>
    STATES.map((from) => [step, from, LEADS[step][from] ?? 'ERR_DETECTOR_STATE'] as const),
  );

  it.each(cases)('%s from %s: %s', async (step, from, expected) => {
    const { o, hashes } = await inState(from);
    const admin = person('H1MSP', 'admin', { role: 'hospital-admin' });
    if (step === 'rollBack' || step === 'withdraw') await vote(o, step);
    const take: Readonly<Record<StepName, () => Promise<Simulation>>> = {
      attest: () => attest(o, 1, 1, hashes),
      activate: () => activate(o, 1),
      refuse: () => o.submit(o.ops, 'DetectorContract:refuse', ['1', DIGEST]),
      rollBack: () => o.submit(admin, 'DetectorContract:rollBack', ['1']),
      withdraw: () => o.submit(admin, 'DetectorContract:withdraw', ['1']),
    };
    const { message } = await take[step]();
    if (expected === 'ERR_DETECTOR_STATE') {
      expect(message).toMatch(/^ERR_DETECTOR_STATE: /);
      expect((await status(o, '1'))['state']).toBe(from);
    } else expect((await status(o, '1'))['state']).toBe(expected);
  });
});
