import type { JSX } from 'preact';
import type { ModelView, RollbackView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { roundLink } from '../route.js';
import { Digest, epsilon, Frame, Part, percent, State, Table, Time } from '../words.js';

export function ModelsPage(): JSX.Element {
  const live = useLive<readonly ModelView[]>('/models');
  const models = useSteady(live.data ?? [], (each) => each.digest);
  const sequences = new Map(live.data?.map((each) => [each.digest, each.sequence]));
  return (
    <Frame title="Models" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Lineage"
        note="Newest first. No round starts from a discarded model or from one that comes of it."
      >
        <Table
          label="Models"
          columns={['Model', 'Comes from', 'State', 'Round', 'Contributors', 'Privacy', 'Detector']}
          steady={models}
          keyOf={(each) => each.digest}
          empty="No model on record."
          cells={(each) => [
            <>
              {each.sequence} <Digest of={each.digest} />
              {each.isBase && <span class="state ok">● the next round starts here</span>}
            </>,
            each.parent === '' ? (
              'nothing'
            ) : (
              <>
                {sequences.get(each.parent)} <Digest of={each.parent} />
              </>
            ),
            <State of={each.state} />,
            each.provenance === null ? (
              '–'
            ) : (
              <a href={roundLink(each.provenance)}>{each.provenance.round}</a>
            ),
            each.provenance === null
              ? '–'
              : each.provenance.contributors
                  .map(({ nodeId, influencePpm }) => `${nodeId} ${percent(influencePpm)}`)
                  .join(', '),
            privacyOf(each),
            <Detector of={each} />,
          ]}
        />
      </Part>
      <Rollback />
    </Frame>
  );
}

/** Going back is a vote on the channel; this page says whose. */
function Rollback(): JSX.Element | null {
  const live = useLive<RollbackView>('/rollback');
  const candidates = useSteady(live.data?.candidates ?? [], (each) => String(each.version));
  if (live.data === null) return null;
  const { needed, hospitals, active } = live.data;
  return (
    <Part
      title="Going back"
      note={`Version ${active ?? 'none'} is active. An older detector becomes active again when ${needed} of ${hospitals.length} hospitals (${hospitals.join(', ')}) vote for it on the channel, each through a person with the role hospital-admin; nobody here can do it for them.`}
    >
      <Table
        label="Detectors to go back to"
        columns={['Version', 'Detector', 'Vote of each hospital', 'Then, once']}
        steady={candidates}
        keyOf={(each) => String(each.version)}
        empty="No detector was active before this one."
        cells={(each) => [
          each.version,
          <Digest of={each.detector} />,
          <code class="long">DetectorContract:vote rollBack {each.version} SHA-256-OF-REASON</code>,
          <code class="long">DetectorContract:rollBack {each.version}</code>,
        ]}
      />
    </Part>
  );
}

function privacyOf({ provenance }: ModelView): string {
  if (provenance === null) return '–';
  const { privacy } = provenance;
  return privacy.differentiallyPrivate
    ? `ε ${epsilon(privacy.epsilonMicro)} per ${privacy.unit}, δ 1e-${privacy.deltaExponent}`
    : 'none';
}

function Detector({ of: { publication } }: { of: ModelView }): JSX.Element {
  if (publication === null) return <span class="muted">none</span>;
  return (
    <>
      <State of={publication.state} why={publication.reason} />{' '}
      {publication.version !== null && `version ${publication.version} `}
      {publication.detector !== '' && <Digest of={publication.detector} />}{' '}
      {publication.proposedAtMs !== null && (
        <small>
          proposed <Time ms={publication.proposedAtMs} />
        </small>
      )}
    </>
  );
}
