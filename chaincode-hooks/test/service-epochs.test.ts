import { decodeProfile } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import { decodeActorState, type ActorState } from '../src/actor-state.js';
import { actorKey, parseLedgerKey } from '../src/ledger-keys.js';
import {
  HOUR_MS,
  SESSION,
  accepted,
  createConsortium,
  enrolled,
  readArgs,
  type Consortium,
} from './consortium-fixture.js';
import { START_MS, person, type Person, type Simulation } from './memory-ledger.js';

const robot = person('H1MSP', 'interface-engine', { role: 'service', class: 'service' });

function state(o: Consortium): ActorState {
  return decodeActorState(o.ledger.read('act', robot.actor, robot.mspId)!)!;
}

function fold(
  o: Consortium,
  timestampMs = START_MS,
  by: Person = o.nodes[0]!,
): Promise<Simulation> {
  return o.submit(by, 'FederationContract:foldEpoch', [robot.actor], { timestampMs });
}

function read(o: Consortium, timestampMs = START_MS): Promise<Simulation> {
  return accepted(
    o.submit(robot, 'RecordAccessContract:requestAccess', readArgs(), { timestampMs }),
  );
}

async function onEpochs(): Promise<Consortium> {
  const o = await createConsortium({ detector: false });
  const opening = [SESSION, '', 'operations', ''];
  await accepted(o.submit(robot, 'RecordAccessContract:openSession', opening));
  expect((await accepted(fold(o))).reply).toMatchObject({ epoch: 0, folded: 0 });
  return o;
}

function typesOf(keys: Iterable<string>): readonly string[] {
  return [...keys].map((key) => parseLedgerKey(key)[0]!).sort();
}

describe('a service account on epochs', () => {
  it('writes a row of its own a call, so that its calls do not conflict', async () => {
    const o = await onEpochs();
    const [a, b] = await Promise.all(
      [0, 1].map(() =>
        o.ledger.simulate({
          by: robot,
          call: 'RecordAccessContract:requestAccess',
          args: readArgs(),
          timestampMs: START_MS,
        }),
      ),
    );
    expect(typesOf(a!.writes.keys())).toEqual(['acc', 'aud', 'evt']);
    const written = new Set(a!.writes.keys());
    for (const key of b!.writes.keys()) expect(written.has(key)).toBe(false);
    for (const key of b!.reads.keys()) expect(written.has(key)).toBe(false);
  });

  it('folds its rows into the profile, deletes them and begins the next epoch', async () => {
    const o = await onEpochs();
    for (let i = 0; i < 30; i++) await read(o, START_MS + i * 60_000);
    const before = decodeProfile(Buffer.from(state(o).profile, 'base64'));
    const folded = await accepted(fold(o, START_MS + HOUR_MS));
    expect(folded.reply).toMatchObject({ epoch: 1, folded: 30 });
    expect([...o.ledger.state.keys()].filter((key) => parseLedgerKey(key)[0] === 'evt')).toEqual(
      [],
    );
    const after = decodeProfile(Buffer.from(state(o).profile, 'base64'));
    expect(after).not.toEqual(before);
    expect(state(o).epoch).toEqual({ number: 1, openedMs: START_MS + HOUR_MS });
  });

  it('a call in flight across a fold has read another epoch, and cannot commit', async () => {
    const o = await onEpochs();
    await read(o);
    const inFlight = await o.ledger.simulate({
      by: robot,
      call: 'RecordAccessContract:requestAccess',
      args: readArgs(),
      timestampMs: START_MS,
    });
    await accepted(fold(o, START_MS + HOUR_MS));
    const key = actorKey(robot.actor, robot.mspId);
    expect(o.ledger.state.get(key)!.version).not.toBe(inFlight.reads.get(key));
  });

  it('is held when nobody folds, and runs again after a fold', async () => {
    const o = await onEpochs();
    expect((await read(o, START_MS + 2 * HOUR_MS)).reply).toMatchObject({ disposition: 'allowed' });
    const late = await read(o, START_MS + 2 * HOUR_MS + 1);
    expect(late.reply).toMatchObject({ disposition: 'quarantined' });
    const record = JSON.parse(Buffer.from(o.ledger.read('q', late.txId)!).toString()) as object;
    expect(record).toMatchObject({ cause: 'epoch-overdue' });
    await accepted(fold(o, START_MS + 3 * HOUR_MS));
    expect((await read(o, START_MS + 3 * HOUR_MS)).reply).toMatchObject({ disposition: 'allowed' });
  });

  it('is a matter of its own hospital’s node, and of service accounts', async () => {
    const o = await onEpochs();
    expect((await fold(o, START_MS, o.nodes[1])).message).toMatch(/^ERR_NOT_FOUND: /);
    expect((await fold(o, START_MS, o.analyst)).message).toMatch(/^ERR_ROLE_NOT_ALLOWED: /);
    await accepted(
      o.submit(o.clerk, 'RecordAccessContract:openSession', [SESSION, '', 'operations', '']),
    );
    // Another hospital that enrols the same id opens an epoch of its own, in which there is nothing to delete.
    await read(o);
    await enrolled(o, o.nodes[1]!, { actor: robot.actor, class: 'service' });
    for (let i = 0; i < 2; i++) {
      expect((await accepted(fold(o, START_MS, o.nodes[1]))).reply).toMatchObject({ folded: 0 });
    }
    expect((await accepted(fold(o))).reply).toMatchObject({ folded: 1 });
    const ofPerson = await o.submit(o.nodes[0]!, 'FederationContract:foldEpoch', [o.clerk.actor]);
    expect(ofPerson.message).toMatch(/^ERR_NOT_FOUND: /);
  });
});
