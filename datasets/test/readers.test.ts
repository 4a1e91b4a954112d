import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeAccessEvent, encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  checkMapping,
  codeTableOf,
  DatasetError,
  openAccessLog,
  openMappedLog,
  openSessionLog,
  parseColumns,
  readMapping,
  type LabelledSession,
  type LogMapping,
  type SessionLogOptions,
} from '../src/index.js';

const scratch = mkdtempSync(join(tmpdir(), 'readers-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let files = 0;
function fileOf(content: string | Uint8Array): string {
  const file = join(scratch, `log-${files++}`);
  writeFileSync(file, content);
  return file;
}
async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const each of stream) list.push(each);
  return list;
}
function sessions(
  content: string | Uint8Array,
  options?: SessionLogOptions,
): Promise<LabelledSession[]> {
  return all(openSessionLog(fileOf(content), options).sessions());
}
async function faultOf(work: Promise<unknown>): Promise<DatasetError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(DatasetError);
    return error as DatasetError;
  }
  throw new Error('nothing was refused');
}

describe('labelled sessions', () => {
  const text = 'session,label,events\na,0,1 2 3\nb,,4\nc,normal,5 5\nd,Brute,6 7\ne,1,8\n';

  it('reads ids, labels and events, plain and gzipped', async () => {
    const read = await sessions(text);
    expect(read.map(({ id, label, normal }) => [id, label, normal])).toEqual([
      ['a', 'normal', true],
      ['b', 'normal', true],
      ['c', 'normal', true],
      ['d', 'Brute', false],
      ['e', '1', false],
    ]);
    expect(read[0]).toEqual({
      id: 'a',
      label: 'normal',
      normal: true,
      events: ['1', '2', '3'],
      group: null,
      line: 2,
    });
    expect(await sessions(gzipSync(text))).toEqual(read);
    expect(await sessions(`\uFEFF${text.replaceAll('\n', '\r\n')}`)).toEqual(read);
  });

  it('takes any column names, in any order, with a group', async () => {
    const columns = parseColumns('id=trace, label=class,events=calls,group=user');
    expect(columns).toEqual({ id: 'trace', label: 'class', events: 'calls', group: 'user' });
    const read = await sessions('user,calls,extra,class,trace\nann,"3  1",x,normal,t1\n', {
      columns,
    });
    expect(read).toMatchObject([{ id: 't1', events: ['3', '1'], group: 'ann' }]);
    expect(parseColumns('label=class')).toEqual({
      id: 'session',
      label: 'class',
      events: 'events',
    });
  });

  it.each(['id', 'id=', 'name=x', 'id=a,id=b', 'id=a=b', ''])('refuses columns %j', (columns) => {
    expect(() => parseColumns(columns)).toThrow(
      expect.objectContaining({ code: 'ERR_DATASET_OPTION' }),
    );
  });

  it.each([
    ['session,events\na,1\n', 'ERR_EVENT_LOG_HEADER', undefined],
    ['', 'ERR_EVENT_LOG_HEADER', undefined],
    [`${text}f,0\n`, 'ERR_EVENT_LOG_MALFORMED', 7],
    [`${text}f,0,\n`, 'ERR_EVENT_LOG_MALFORMED', 7],
    [`${text},0,1\n`, 'ERR_EVENT_LOG_MALFORMED', 7],
    [`${text}\n"f,0,1\n`, 'ERR_EVENT_LOG_MALFORMED', 8],
  ])('refuses %j with the line', async (content, code, line) => {
    const fault = await faultOf(sessions(content));
    expect([fault.code, fault.facts['firstLine']]).toEqual([code, line]);
  });

  it('skips what it is told to skip, and counts it', async () => {
    const log = openSessionLog(fileOf(`${text}broken\n`), { malformedShareMax: 0.2 });
    expect((await all(log.sessions())).length).toBe(5);
    expect(log.counts()).toMatchObject({ lines: 6, sessions: 5, malformedCount: 1 });
    expect(log.counts().malformed[0]?.line).toBe(7);
  });

  it('stops at the first bad line of a long file', async () => {
    const many = 'x,0,1\n'.repeat(50_000);
    const fault = await faultOf(sessions(`session,label,events\nbad\n${many}`));
    expect(fault.facts['lines']).toBe(1);
  });
});

const MAPPING: LogMapping = {
  columns: { time: 'when', actor: 'who', action: 'what', patient: 'case', role: 'job' },
  timeForm: 'iso',
  values: {
    action: { Login: 'login', View: 'read', '*': 'unknown' },
    role: { RN: 'nurse', robot: 'service' },
  },
};

describe('mapped event log', () => {
  const text =
    'when,who,what,case,job\n2026-03-02T08:00:00,ann,Login,,RN\n2026-03-02 08:00:05+01:00,ann,View,17,RN\n' +
    '2026-03-02T08:00:09Z,bob,Dance,,robot\n';

  it('makes access events of columns and values', async () => {
    for (const content of [text, gzipSync(text)]) {
      const log = await openMappedLog(fileOf(content), { mapping: MAPPING, nodeId: 'H1' });
      const events = await all(log.events());
      expect(log.vocabulary).toBeNull();
      expect(
        events.map((e) => [e.actor, e.actorClass, e.role, e.action, e.patient, e.timeMs]),
      ).toEqual([
        ['ann', 'person', 'nurse', 'login', null, Date.UTC(2026, 2, 2, 8)],
        ['ann', 'person', 'nurse', 'read', '17', Date.UTC(2026, 2, 2, 7, 0, 5)],
        ['bob', 'service', 'service', 'unknown', null, Date.UTC(2026, 2, 2, 8, 0, 9)],
      ]);
      for (const event of events) {
        expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
      }
    }
  });

  it('codes activities by the table of the whole file', async () => {
    const mapping = checkMapping({
      format: 'event-log-mapping/1',
      columns: { time: 'date', actor: 'group', activity: 'activity', patient: 'case' },
      timeForm: 'date',
      absent: 'NA',
    });
    const rows =
      'case,date,group,activity\n1,2005-01-03,A,scan\n1,2005-01-04,NA,visit\n2,2005-01-04,B,scan\n';
    const log = await openMappedLog(fileOf(rows), {
      mapping,
      nodeId: 'H2',
      malformedShareMax: 0.5,
    });
    const events = await all(log.events());
    expect(log.vocabulary).toEqual(codeTableOf(['scan', 'visit']));
    expect(events.map((e) => log.vocabulary!.activities[Number(e.code)])).toEqual(['scan', 'scan']);
    expect(events[0]).toMatchObject({ timeGranularity: 'day', action: 'read' });
    // A row without an actor is no event.
    expect(log.counts()).toMatchObject({ events: 2, malformedCount: 1 });
    expect(log.counts().malformed[0]?.line).toBe(3);
  });

  it('reads a mapping from YAML, and says what is wrong with one', () => {
    const good =
      'format: event-log-mapping/1\ntimeForm: epoch-s\ncolumns: { time: t, actor: u, action: a }\n';
    expect(readMapping(fileOf(good))).toMatchObject({ timeForm: 'epoch-s' });
    for (const [from, to, path] of [
      ['/1', '/2', 'format'],
      ['epoch-s', 'noon', 'timeForm'],
      ['time: t, ', '', 'columns.time'],
      ['action: a', 'deed: a', 'columns.deed'],
      [', action: a', '', 'columns'],
      ['actor: u', 'actor: 7', 'columns.actor'],
      ['timeForm', 'timeFrom', 'timeFrom'],
    ] as const) {
      expect(() => readMapping(fileOf(good.replace(from, to)))).toThrow(
        expect.objectContaining({
          code: 'ERR_LOG_MAPPING',
          facts: expect.objectContaining({ path }) as unknown,
        }),
      );
    }
    expect(() => readMapping(join(scratch, 'none'))).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_MAPPING' }),
    );
  });

  it('refuses a wrong header and too many bad lines, with the first line', async () => {
    const open = async (content: string): Promise<AccessEvent[]> =>
      all((await openMappedLog(fileOf(content), { mapping: MAPPING, nodeId: 'H1' })).events());
    expect((await faultOf(open('when,who,what,case\n'))).code).toBe('ERR_EVENT_LOG_HEADER');
    expect((await faultOf(open(''))).code).toBe('ERR_EVENT_LOG_HEADER');
    const fault = await faultOf(open(`${text}yesterday,ann,View,,RN\n`));
    expect(fault.code).toBe('ERR_EVENT_LOG_MALFORMED');
    expect(fault.facts['firstLine']).toBe(5);
  });
});

/** Shaped as the examples of IHE BALP 1.1: client, server and user agents, request id, patient, and the resource read. */
const BALP_READ = {
  resourceType: 'AuditEvent',
  id: 'ex-auditPoke-read',
  meta: {
    profile: ['https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead'],
  },
  type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
  subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
  action: 'R',
  recorded: '2026-03-02T09:49:00.000Z',
  outcome: '0',
  agent: [
    {
      type: {
        coding: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110153' }],
      },
      who: { display: 'myMachine.example.org' },
      requestor: false,
      network: { address: 'myMachine.example.org', type: '1' },
    },
    {
      type: {
        coding: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110152' }],
      },
      who: { reference: 'Device/server' },
      requestor: false,
    },
    {
      type: {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' },
        ],
      },
      who: { reference: 'Practitioner/ex-practitioner' },
      requestor: true,
      purposeOfUse: [{ coding: [{ code: 'TREAT' }] }],
    },
  ],
  source: { observer: { reference: 'Device/server' }, type: [{ code: '4' }] },
  entity: [
    {
      what: { identifier: { value: '2fd5cc3c-766b' } },
      type: {
        system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
        code: 'XrequestId',
      },
    },
    {
      what: { reference: 'Patient/ex-patient' },
      type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '1' },
      role: { code: '1' },
    },
    {
      what: { reference: 'Observation/ex-observation' },
      type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '2' },
      role: { code: '4' },
    },
  ],
};

describe('AuditEvents of IHE BALP', () => {
  it('reads the user, the patient and what was read, past client, server and request id', async () => {
    const file = fileOf(gzipSync(`${JSON.stringify(BALP_READ)}\n`));
    const [event] = await all(openAccessLog(file, { format: 'fhir', nodeId: 'H1' }).events());
    expect(event).toMatchObject({
      eventId: 'ex-auditPoke-read',
      actor: 'Practitioner/ex-practitioner',
      actorClass: 'person',
      action: 'read',
      patient: 'ex-patient',
      section: 'results',
      purpose: 'treatment',
      channel: 'api',
      outcome: 'success',
    });
  });

  it('gives an event or a coded error whatever stands in a field', async () => {
    const paths = [
      'id',
      'type',
      'subtype',
      'action',
      'recorded',
      'agent',
      'source',
      'entity',
      'period',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), async (path, value) => {
        const line = JSON.stringify({ ...BALP_READ, [path]: value });
        const file = fileOf(`${line}\n`);
        try {
          const log = openAccessLog(file, { format: 'fhir', nodeId: 'H1' });
          for (const event of await all(log.events())) {
            expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DatasetError);
        } finally {
          rmSync(file);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('whatever comes', () => {
  const opens: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
    native: (file) => all(openAccessLog(file, { format: 'native', nodeId: 'H1' }).events()),
    fhir: (file) => all(openAccessLog(file, { format: 'fhir', nodeId: 'H1' }).events()),
    sessions: (file) => all(openSessionLog(file).sessions()),
    mapped: async (file) =>
      all((await openMappedLog(file, { mapping: MAPPING, nodeId: 'H1' })).events()),
  };
  const piece = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom(
      'session,label,events',
      'when,who,what,case,job',
      '{"resourceType":"AuditEvent"}',
      '"',
      ',',
      '\n',
      '\0',
      'a,0,1 2',
      '2026-03-02T08:00:00,ann,View,__proto__,constructor',
    ),
  );

  it.each(Object.entries(opens))(
    '%s gives events or a coded error, nothing else',
    async (_, open) => {
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.boolean(), async (pieces, zip) => {
          const content = pieces.join('\n');
          const file = fileOf(zip ? gzipSync(content) : content);
          try {
            await open(file);
          } catch (error) {
            expect(error).toBeInstanceOf(DatasetError);
          } finally {
            rmSync(file);
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});
