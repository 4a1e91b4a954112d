import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ask, type AuditRecord } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { Digest, Frame, Part, Table, Time } from '../words.js';

export function AuditPage(): JSX.Element {
  const live = useLive<readonly AuditRecord[]>('/audit');
  const older = useSignal<readonly AuditRecord[]>([]);
  const records = [...(live.data ?? []), ...older.value];
  const unique = [...new Map(records.map((each) => [each.sequence, each])).values()];
  const steady = useSteady(unique, (each) => String(each.sequence));
  const last = unique.at(-1)?.sequence ?? 0;
  const more = async (): Promise<void> => {
    older.value = [...older.value, ...(await ask<readonly AuditRecord[]>(`/audit?before=${last}`))];
    steady.show();
  };
  return (
    <Frame title="Audit" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Log"
        note="Newest first; each record names the one before by its hash. `bhs-orchestrator audit` walks the whole chain."
      >
        <Table
          label="Audit log"
          columns={['Number', 'When', 'What', 'Facts', 'Hash']}
          steady={steady}
          keyOf={(each) => String(each.sequence)}
          empty="Nothing on record."
          cells={(each) => [
            each.sequence,
            <Time ms={each.atMs} />,
            each.kind,
            <FactsOf body={each.body} />,
            <Digest of={each.hash} />,
          ]}
        />
        {last > 0 && (
          <button type="button" onClick={() => void more()}>
            Older records
          </button>
        )}
      </Part>
    </Frame>
  );
}

function FactsOf({ body }: { body: string }): JSX.Element {
  const facts = JSON.parse(body) as Readonly<Record<string, unknown>>;
  return (
    <span class="audit-facts">
      {Object.entries(facts).map(([key, value]) => (
        <span key={key}>
          <small>{key}</small> {typeof value === 'string' ? value : JSON.stringify(value)}
        </span>
      ))}
    </span>
  );
}
