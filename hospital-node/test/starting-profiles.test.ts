import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeProfile, emptyProfile, encodeProfile } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { createHandles } from '../src/access-log/index.js';
import { readActorDirectory } from '../src/enrolment/actor-directory.js';
import { enrolActors } from '../src/enrolment/starting-profiles.js';
import type { FabricConnection } from '../src/fabric/connection.js';
import { openNodeDatabase } from '../src/store/index.js';
import { silentLog } from './silent-log.js';
import { temporaryFolder } from './temporary-folder.js';

const handles = createHandles(new Uint8Array(32).fill(9));

function directoryFile(count: number): string {
  const file = join(temporaryFolder(), 'actors.jsonl');
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      actor: `person-${index}`,
      pseudonym: `p${index}`,
      ledgerActor: index.toString(16).padStart(32, '0'),
      role: index % 10 === 0 ? 'service' : 'nurse',
      ward: 'W1',
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('starting profiles', () => {
  it('go to the channel in batches of at most fifty, once each, and resume after a failure', async () => {
    const database = await openNodeDatabase({ file: join(temporaryFolder(), 'node.sqlite') });
    const directory = readActorDirectory(directoryFile(120), handles);
    const known = encodeProfile({ ...emptyProfile(), day: 77 });
    await database
      .insertInto('starting_profile')
      .values({ actor: handles.of('actor', 'person-3'), profile: known })
      .execute();
    const sent: { actor: string; class: string; profile: string }[][] = [];
    let failAt = 2;
    const fabric = {
      submit: (_: string, [text]: readonly string[]) => {
        if (sent.length === failAt) return Promise.reject(new Error('gateway away'));
        sent.push(JSON.parse(text ?? '') as (typeof sent)[number]);
        return Promise.resolve({ txId: 'tx' });
      },
    } as unknown as FabricConnection;
    const options = { fabric, database, directory, log: silentLog };
    await expect(enrolActors(options)).rejects.toThrow('gateway away');
    failAt = -1;
    expect(await enrolActors(options)).toEqual({ submitted: 20, transactions: 1 });
    expect(await enrolActors(options)).toEqual({ submitted: 0, transactions: 0 });
    expect(sent.map((batch) => batch.length)).toEqual([50, 50, 20]);
    const all = sent.flat();
    expect(new Set(all.map((entry) => entry.actor)).size).toBe(120);
    const profileOf = (index: number): number =>
      decodeProfile(Buffer.from(all[index]!.profile, 'base64')).day;
    expect([profileOf(3), profileOf(4)]).toEqual([77, 0]);
    expect([all[10]!.class, all[11]!.class]).toEqual(['service', 'person']);
    expect(JSON.stringify(sent)).not.toContain('person-');
    await database.destroy();
  });

  it('need a sound directory: a fault is named by its line, never by what stood there', () => {
    const file = directoryFile(2);
    for (const bad of [
      'not json',
      '{"actor":"Dr Secret","ledgerActor":"x","role":"nurse"}',
      '{"actor":"","role":"nurse"}',
    ]) {
      writeFileSync(
        file,
        `{"actor":"a","ledgerActor":"${'0'.repeat(32)}","role":"nurse"}\n${bad}\n`,
      );
      expect(() => readActorDirectory(file, handles)).toThrow(
        expect.objectContaining({
          code: 'ERR_ACTORS_FILE',
          facts: expect.objectContaining({ line: 2 }) as object,
        }) as Error,
      );
      expect(() => readActorDirectory(file, handles)).not.toThrow(/Secret/);
    }
  });
});
