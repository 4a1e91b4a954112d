/**
 * What goes beyond deciding: exports, evidence files and their offline check, names behind pseudonyms, and the record of
 * each.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAuditLog } from '../src/audit/audit-log.js';
import { verifyBundle, type EvidenceBundle } from '../src/proof/verify-bundle.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';
import { signedIn, type Answer, type Call } from './signed-in.js';

let server: SeededServer;
let ana: Call;
let oda: Call;
let bundle: string;

beforeAll(async () => {
  const formula = '=HYPERLINK("http://evil.example","x")';
  server = await startSeededServer({
    more: [
      { fn: 'export', role: 'clerk', ward: formula, args: ['1', 'a', 'b'], dueH: 30 },
      {
        fn: 'amend',
        role: 'physician',
        ward: 'surgery',
        args: ['a', 'x', 'y', '3', 'b'],
        dueH: 31,
      },
    ],
  });
  [ana, oda] = [await signedIn(server, 'ana'), await signedIn(server, 'oda')];
  const path = `/holds/${server.holds[3]!}`; // proposed by ben
  const approval = { expectedVersion: 3, reason: 'Asked the ward myself.' };
  expect((await ana('POST', `${path}/approvals`, approval)).status).toBe(201);
  bundle = (await oda('GET', `${path}/evidence.json`)).text;
});

afterAll(async () => {
  await server.close();
});

const outcomesOf = async (text: string): Promise<string[]> =>
  (await verifyBundle(text)).map(({ name, outcome }) => `${outcome} ${name}`);

describe('an evidence file', () => {
  it('is proven without the node: signature, five lines, two people', async () => {
    expect(await outcomesOf(bundle)).toEqual([
      'pass file',
      'pass block',
      'pass record',
      'pass signatures',
      'pass detector',
      'pass score',
      'pass decision',
    ]);
  });

  it('is refused when anything in it was changed', async () => {
    const value = JSON.parse(bundle) as EvidenceBundle;
    const { content } = value;
    const changed: readonly EvidenceBundle[] = [
      { ...value, content: { ...content, madeBy: 'somebody' } },
      { ...value, content: { ...content, claim: { ...content.claim, finding: 'attack' } } },
      { ...value, content: { ...content, history: content.history.slice(1) } },
      { ...value, content: { ...content, blocks: {} } },
      { ...value, signature: Buffer.alloc(70, 1).toString('base64') },
      { ...value, contentSha256: '0'.repeat(64) },
    ];
    for (const each of changed) {
      expect(await outcomesOf(JSON.stringify(each))).toContain('fail file');
    }
    for (let at = 7; at < bundle.length; at += Math.floor(bundle.length / 97)) {
      const other = bundle[at] === 'A' ? 'B' : 'A';
      const text = bundle.slice(0, at) + other + bundle.slice(at + 1);
      expect((await outcomesOf(text)).some((line) => line.startsWith('fail'))).toBe(true);
    }
  });

  it('does not prove a decision by one key, even if the node signs it', async () => {
    const value = JSON.parse(bundle) as EvidenceBundle;
    const steps = value.content.history.map((step) =>
      step.step === 'approve'
        ? {
            ...value.content.history.find(({ step: name }) => name === 'propose')!,
            step: 'approve',
          }
        : step,
    );
    const text = JSON.stringify({ ...value, content: { ...value.content, history: steps } });
    expect(await outcomesOf(text)).toContain('fail decision');
  });

  it('is checked by the command, which says it in one line a check', () => {
    const file = join(server.stateDir, 'hold.evidence.json');
    writeFileSync(file, bundle);
    const command = fileURLToPath(new URL('../bin/bhs-node.js', import.meta.url));
    const good = spawnSync(process.execPath, [command, 'evidence', 'verify', file]);
    expect(good.stderr.toString()).toBe('');
    expect(good.stdout.toString()).toMatch(/PASS {2}decision .*two people under two keys/);
    expect(good.status).toBe(0);
    writeFileSync(file, bundle.replace('"madeBy":"oda"', '"madeBy":"ola"'));
    const bad = spawnSync(process.execPath, [command, 'evidence', 'verify', file, '--json']);
    expect(bad.status).toBe(2);
    expect(JSON.parse(bad.stdout.toString())).toMatchObject({
      checks: [{ name: 'file', outcome: 'fail' }, ...Array<object>(6).fill({ outcome: 'pass' })],
    });
  });

  it('is the privacy officer’s, and reads as a page without script', async () => {
    const path = `/holds/${server.holds[3]!}/evidence`;
    expect((await ana('GET', `${path}.json`)).status).toBe(403);
    const page = await oda('GET', `${path}.html`);
    expect(page.text).toContain('On call for surgery this weekend');
    expect(page.text).not.toContain('<script');
  });
});

describe('an export', () => {
  it('is CSV that no spreadsheet takes for a formula', async () => {
    const { text, headers } = await ana('GET', '/exports/csv?state=open,claimed,released');
    expect(headers.get('content-disposition')).toContain('holds.csv');
    const lines = text.split('\r\n');
    expect(lines[0]).toMatch(/^id,transaction,filed_at/);
    expect(lines).toHaveLength(9);
    expect(text).toContain(`"'=HYPERLINK(""http://evil.example"",""x"")"`);
    expect(text).not.toMatch(/(^|,)=/m);
  });

  it('is OCSF with the words of its class', async () => {
    const { text } = await ana('GET', '/exports/ocsf?state=released');
    const [finding] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(finding).toMatchObject({
      class_uid: 2004,
      category_uid: 2,
      activity_id: 3,
      type_uid: 200_403,
      status_id: 4,
      disposition_id: 8,
      action_id: 1,
      verdict_id: 5,
      finding_info: { uid: 'H-4' },
      unmapped: { transaction: server.holds[3], finding: 'benign-expected' },
    });
    expect(text).toMatch(/"block":"\d+","detector_hash":"[0-9a-f]{64}"/);
    expect(text).toMatch(/"p_value":0\.\d+/);
  });

  it('is CEF, escaped', async () => {
    const { text } = await ana('GET', '/exports/cef?function=erase');
    expect(text).toMatch(/^CEF:0\|BHSChain\|hospital-node\|1\|score\|erase held\|(3|5|8|10)\|/);
    expect(text).toMatch(/ externalId=H-3|externalId=H-3 /);
    expect((await ana('GET', '/exports/xml')).status).toBe(400);
  });

  it('says in each format what became of the call', async () => {
    const acts = async (query: string): Promise<(string | undefined)[]> =>
      (await ana('GET', `/exports/cef?${query}`)).text
        .trim()
        .split('\n')
        .map((line) => / act=(\S+)/.exec(line)?.[1]);
    expect(await acts('state=released')).toEqual(['released']);
    expect(await acts('function=erase')).toEqual(['quarantined']);
    expect(await acts('kind=review')).toEqual(['allowed']);
    const ran = (await ana('GET', '/exports/cef?kind=review')).text;
    expect(ran).toMatch(/\|break-glass\|\w+ ran\|/);
    expect((await ana('GET', '/exports/ocsf?kind=review')).text).toMatch(/"title":"\w+ ran: break/);
    const held = (await ana('GET', '/exports/cef?state=released')).text;
    expect(held).toMatch(/cs4Label=block cs4=\d+ cs5Label=detector cs5=[0-9a-f]{64} /);
    expect(held).toMatch(/cfp2Label=pValue cfp2=[\d.e-]+$/m);
  });

  it('is CEF in a syslog frame of RFC 5424', async () => {
    const { text } = await ana('GET', '/exports/syslog?function=erase');
    const frame = /^<10[6-9]>1 \d{4}-\d\d-\d\dT[\d:.]+Z H1 bhs-node - hold - (CEF:0\|.*)\n$/;
    const [, message] = frame.exec(text)!;
    expect(`${message!}\n`).toBe((await ana('GET', '/exports/cef?function=erase')).text);
  });

  it('goes on in parts, says so, and loses and repeats nothing', async () => {
    const whole = await ana('GET', '/exports/ocsf');
    expect(whole.headers.get('link')).toBeNull();
    let path: string | undefined = '/exports/ocsf?limit=3';
    let text = '';
    const names: string[] = [];
    while (path !== undefined) {
      const part: Answer = await ana('GET', path);
      text += part.text;
      names.push(/filename="(.*)"/.exec(part.headers.get('content-disposition')!)![1]!);
      path = /^<\/api\/v1(.*)>; rel="next"$/.exec(part.headers.get('link') ?? '')?.[1];
    }
    expect(text).toBe(whole.text);
    expect(names.length).toBe(Math.ceil(whole.text.trim().split('\n').length / 3));
    expect(new Set(names.slice(0, -1))).toEqual(new Set(['holds-incomplete.ocsf.jsonl']));
    expect(names.at(-1)).toBe('holds.ocsf.jsonl');
    const other = await ana('GET', '/exports/cef?limit=3&after=0.1.AAAAAAAAAAAAAAAAAAAAAA');
    expect(other).toMatchObject({ status: 400, body: { code: 'ERR_CURSOR' } });
  });
});

describe('the description of the API', () => {
  it('is OpenAPI 3.1, has every route, and says what each takes', async () => {
    const { text } = await ana('GET', '/openapi.json');
    const { openapi, paths } = JSON.parse(text) as {
      openapi: string;
      paths: Record<string, Record<string, { summary: string; requestBody?: object }>>;
    };
    expect(openapi).toBe('3.1.0');
    expect(paths['/api/v1/holds/{txid}/proposals']?.['post']?.requestBody).toMatchObject({
      content: { 'application/json': { schema: { required: ['action', 'finding', 'reason'] } } },
    });
    expect(JSON.stringify(paths['/api/v1/holds'])).toContain('dueWithinMinutes');
    for (const methods of Object.values(paths)) {
      for (const { summary } of Object.values(methods)) expect(summary).not.toBe('');
    }
  });
});

describe('a precedent', () => {
  it('is an earlier decided hold of the same role and operation, with what both share', async () => {
    const of = async (i: number): Promise<unknown> => {
      const { text } = await ana('GET', `/holds/${server.holds[i]!}`);
      return (JSON.parse(text) as { precedents: unknown }).precedents;
    };
    expect(await of(0)).toEqual({ nearest: [], findings: {}, lookedAt: 0 });
    expect(await of(6)).toMatchObject({
      lookedAt: 1,
      findings: { 'benign-expected': 1 },
      nearest: [{ id: 'H-4', state: 'released', finding: 'benign-expected', sameActor: false }],
    });
  });
});

describe('a name behind a pseudonym', () => {
  const path = (): string => `/holds/${server.holds[0]!}/re-identifications`;
  const reason = 'Complaint 17 of the patient office.';

  it('is given to the privacy officer with a reason, and recorded', async () => {
    expect((await ana('POST', path(), { reason })).status).toBe(403);
    expect((await oda('POST', path(), { reason: 'short' })).status).toBe(400);
    const answer = await oda('POST', path(), { reason });
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'Person 0' });
    const { records, fault } = readAuditLog(server.stateDir);
    expect(fault).toBeNull();
    expect(records.filter(({ kind }) => kind === 're-identified')).toMatchObject([
      { by: 'oda', body: { hold: 'H-1', reason } },
    ]);
    const kinds = records.map(({ kind, by }) => `${kind} ${by}`);
    expect(kinds).toEqual(
      expect.arrayContaining(['signed-in ana', 'exported oda', 'exported ana']),
    );
    expect(JSON.stringify(records)).not.toContain('Person 0');
  });

  it('stands in no other answer', async () => {
    for (const each of ['/holds', `/holds/${server.holds[0]!}`, '/status', '/exports/csv']) {
      expect((await oda('GET', each)).text).not.toMatch(/Person \d/);
    }
  });
});
