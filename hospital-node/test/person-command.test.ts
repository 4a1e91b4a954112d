import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditFileOf, readAuditLog } from '../src/audit/audit-log.js';
import {
  addPersonCommand,
  listPersonsCommand,
  removePersonCommand,
} from '../src/commands/person-command.js';
import type { NodeConfig } from '../src/config.js';
import { signIn } from '../src/review/people.js';
import { openNodeDatabase } from '../src/store/index.js';
import { consortium, identityOf } from './identity-fixture.js';
import { temporaryFolder } from './temporary-folder.js';

const nowMs = (): number => Date.UTC(2026, 2, 9, 12);
const by = 'root of the machine';

function hospital(): {
  config: NodeConfig;
  person: (name: string, role: string) => Parameters<typeof addPersonCommand>[1];
} {
  const stateDir = temporaryFolder();
  const world = consortium();
  const config = {
    stateDir,
    mspId: 'H1MSP',
    store: { url: null, passwordFile: null },
  } as unknown as NodeConfig;
  return {
    config,
    person: (name, role) => {
      const certified = role === 'supervisor' ? 'analyst' : role;
      const pems = identityOf(world, { mspId: 'H1MSP', name, attributes: { role: certified } });
      const certFile = join(stateDir, `${name}.cert.pem`);
      const keyFile = join(stateDir, `${name}.key.pem`);
      writeFileSync(certFile, pems.certificatePem);
      writeFileSync(keyFile, pems.privateKeyPem);
      return { name, role, certFile, keyFile, by, nowMs };
    },
  };
}

async function signsIn(config: NodeConfig, name: string, password: string): Promise<string> {
  const database = await openNodeDatabase({ file: join(config.stateDir, 'node.sqlite') });
  try {
    return (await signIn(database, { name, password, nowMs: nowMs() })).person.role;
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await database.destroy();
  }
}

describe('people with a local account', () => {
  it('sign in with the password that is shown once, under the role they were given', async () => {
    const { config, person } = hospital();
    const { facts } = await addPersonCommand(config, person('sam', 'supervisor'));
    const { password } = facts as { password: string };
    expect(password).toMatch(/^[\w-]{22}$/);
    expect(await signsIn(config, 'sam', password)).toBe('supervisor');
    const again = await addPersonCommand(config, person('sam', 'supervisor'));
    expect((again.facts as { password: string }).password).not.toBe(password);
    expect(await signsIn(config, 'sam', password)).toBe('ERR_SIGN_IN');
    const kept = readFileSync(join(config.stateDir, 'node.sqlite'), 'latin1');
    expect(kept).not.toContain(password);
    expect(readFileSync(auditFileOf(config.stateDir), 'utf8')).not.toContain(password);
  });

  it('are listed, removed, and on record', async () => {
    const { config, person } = hospital();
    const { facts } = await addPersonCommand(config, person('ana', 'analyst'));
    await addPersonCommand(config, person('pat', 'privacy-officer'));
    expect((await listPersonsCommand(config)).sentences.join('\n')).toMatch(
      /ana +analyst\npat +privacy-officer/,
    );
    await removePersonCommand(config, { name: 'ana', by, nowMs });
    expect(await signsIn(config, 'ana', (facts as { password: string }).password)).toBe(
      'ERR_SIGN_IN',
    );
    expect((await listPersonsCommand(config)).facts).toEqual({
      people: [{ name: 'pat', role: 'privacy-officer' }],
    });
    expect(readAuditLog(config.stateDir).records.map(({ kind, body }) => [kind, body])).toEqual([
      ['person-added', { name: 'ana', role: 'analyst' }],
      ['person-added', { name: 'pat', role: 'privacy-officer' }],
      ['person-removed', { name: 'ana' }],
    ]);
  });

  it('are refused with an unknown role, another role in the certificate, a name that is none', async () => {
    const { config, person } = hospital();
    const ana = person('ana', 'analyst');
    await expect(addPersonCommand(config, { ...ana, role: 'boss' })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('expected analyst, supervisor') as string,
    });
    await expect(addPersonCommand(config, { ...ana, role: 'auditor' })).rejects.toMatchObject({
      code: 'ERR_PERSON',
    });
    await expect(addPersonCommand(config, { ...ana, name: 'A' })).rejects.toMatchObject({
      code: 'ERR_PERSON',
    });
    await expect(removePersonCommand(config, { name: 'ana', by, nowMs })).rejects.toMatchObject({
      code: 'ERR_PERSON',
    });
    expect(readAuditLog(config.stateDir).records).toEqual([]);
  });
});
