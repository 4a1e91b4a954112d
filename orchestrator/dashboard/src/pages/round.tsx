import type { ComponentChildren, JSX } from 'preact';
import type { RoundPage } from '../api.js';
import { useLive } from '../live.js';
import { WordButton } from '../sign.js';
import { Digest, duration, Frame, Part, percent, Price, State, Table, Time } from '../words.js';

const STILL = { held: 0, show: (): void => undefined };

export function RoundPageView({
  of,
  federationId,
}: {
  of: { slot: number; attempt: number };
  federationId: string;
}): JSX.Element {
  const live = useLive<RoundPage>(`/rounds/${of.slot}/${of.attempt}`);
  const round = live.data;
  return (
    <Frame
      title={round === null ? `Slot ${of.slot}` : `Round ${round.round}`}
      loaded={round !== null}
      problem={live.problem}
    >
      {round !== null && (
        <>
          <Sheet round={round} />
          <Words round={round} of={of} federationId={federationId} />
        </>
      )}
    </Frame>
  );
}

const OPEN: readonly string[] = ['scheduled', 'gathering', 'collecting', 'aggregating', 'sealing'];

/** What people have said about the round and its updates, each with a signature; and how to end it by hand. */
function Words(props: {
  round: RoundPage;
  of: { slot: number; attempt: number };
  federationId: string;
}): JSX.Element {
  const { round, federationId } = props;
  const { slot, attempt } = props.of;
  return (
    <Part
      title="Words of people"
      note="Each is signed with a key of the person's own hospital; two of different hospitals decide."
    >
      <Table
        label="Words of people"
        columns={['Who', 'About', 'Says', 'Why', 'At']}
        steady={{ ...STILL, rows: round.reviews }}
        keyOf={(each) => `${each.nodeId} ${each.person}`}
        empty="Nobody has said anything."
        cells={(each) => [
          each.person,
          each.nodeId === '' ? 'the round' : `update of ${each.nodeId}`,
          each.disposition,
          each.reason,
          <Time ms={each.atMs} />,
        ]}
      />
      {OPEN.includes(round.phase) && (
        <p>
          <WordButton
            label="Abort this round…"
            word={{
              title: 'Abort this round',
              effect:
                'With the word of a second hospital the round ends and the model stays as it is. What nodes have debited for it stays spent.',
              button: 'Sign and send',
              path: `/rounds/${slot}/${attempt}/aborts`,
              statement: { kind: 'round-abort', schema: 1, federationId, slotIndex: slot, attempt },
              body: {},
            }}
          />
        </p>
      )}
    </Part>
  );
}

function Sheet({ round }: { round: RoundPage }): JSX.Element {
  const { sealed } = round;
  const influence = new Map(sealed?.contributions.map((each) => [each.nodeId, each.influencePpm]));
  return (
    <>
      <p class="lead">
        <State of={round.phase} {...(round.outcome === null ? {} : { why: round.outcome })} />{' '}
        {round.accepted.length} accepted of {round.lanes.length}, quorum {round.quorum}
        {round.endedAtMs !== null && `, took ${duration(round.endedAtMs - round.startedAtMs)}`}
      </p>
      <Part title="Cohort">
        <Table
          label="Cohort"
          columns={['Node', 'State', 'Update or refusal came', 'Share of the aggregate']}
          steady={{ ...STILL, rows: round.lanes }}
          keyOf={(each) => each.nodeId}
          empty="Nobody was expected."
          cells={(each) => [
            each.nodeId,
            <State of={each.state} why={each.reason} />,
            <Time ms={each.atMs} />,
            sealed === null ? 'not sealed' : percent(influence.get(each.nodeId) ?? 0),
          ]}
        />
      </Part>
      <Part title="Frozen with">
        <Facts
          of={[
            ['Log time', <Span interval={round.interval} />],
            ['Base model', <code>{round.baseModel}</code>],
            ['Plan', <code>{round.planHash}</code>],
            ['Layout', <code>{round.layoutHash}</code>],
            ['Policy', <code>{round.policyHash}</code>],
            ...Object.entries(round.policy).map(([key, value]): [string, ComponentChildren] => [
              key,
              key.endsWith('Ms') && typeof value === 'number'
                ? duration(value)
                : JSON.stringify(value),
            ]),
          ]}
        />
      </Part>
      <Part
        title="Events"
        note="In the order in which they were stored. When a node said that it trains is not shown: training time depends on its private data."
      >
        <ol class="events">
          {round.events.map((each, index) => (
            <li key={index}>
              <Time ms={each.atMs} /> <span>{each.what}</span>
            </li>
          ))}
        </ol>
      </Part>
      <Part title="Receipts">
        <Table
          label="Receipts"
          columns={['Node', 'Verdict', 'At', 'Update', 'Envelope']}
          steady={{ ...STILL, rows: round.receipts }}
          keyOf={(each) => each.nodeId}
          empty="No update came."
          cells={(each) => [
            each.nodeId,
            <State of={each.verdict} why={each.reason} />,
            <Time ms={each.atMs} />,
            <Digest of={each.update} />,
            <Digest of={each.envelope} />,
          ]}
        />
      </Part>
      {sealed !== null && (
        <Part title="Manifest">
          <p class={sealed.checks ? 'banner ok' : 'banner bad'}>
            {sealed.checks
              ? '✓ This orchestrator checked the signature just now. To trust nobody, replay it yourself:'
              : `✕ The signature does not check: ${sealed.problem}`}
          </p>
          <Facts
            of={[
              ['In a hospital', <code>{round.replay.node}</code>],
              ['Here', <code>{round.replay.orchestrator}</code>],
              ['Digest', <code>{sealed.digest}</code>],
              ['Follows', sealed.previous === '' ? 'none' : <code>{sealed.previous}</code>],
              ['Result', <code>{round.resultModel}</code>],
              ['Signature', <code>{sealed.signature}</code>],
              [
                'Privacy',
                sealed.privacy.differentiallyPrivate ? (
                  <>
                    <Price {...sealed.privacy} />, {sealed.privacy.mechanism}, accountant{' '}
                    {sealed.privacy.accountant}
                  </>
                ) : (
                  'not differentially private'
                ),
              ],
            ]}
          />
          <details>
            <summary>Certificate of the signer</summary>
            <pre tabIndex={0}>{sealed.signerCertificate}</pre>
          </details>
          <details>
            <summary>The whole manifest</summary>
            <pre tabIndex={0}>{JSON.stringify(sealed.document, null, 2)}</pre>
          </details>
        </Part>
      )}
    </>
  );
}

export function Facts({
  of,
}: {
  of: readonly (readonly [string, ComponentChildren])[];
}): JSX.Element {
  return (
    <dl class="facts-list">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Span({ interval }: { interval: { fromMs: number; toMs: number } }): JSX.Element {
  return (
    <>
      <Time ms={interval.fromMs} /> to <Time ms={interval.toMs} />
    </>
  );
}
