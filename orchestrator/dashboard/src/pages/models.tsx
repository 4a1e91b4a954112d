import { Fragment, type JSX } from 'preact';
import type { ChannelVote, ModelView, RollbackView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { operator } from '../operator.js';
import { roundLink } from '../route.js';
import { VoteButton } from '../sign.js';
import { VOTE_WORDS, VotesTable } from '../votes.js';
import { Digest, Figure, Frame, Part, percent, Price, State, Table, Time } from '../words.js';

export function ModelsPage(): JSX.Element {
  const live = useLive<readonly ModelView[]>('/models');
  const models = useSteady(live.data ?? [], (each) => each.digest);
  const sequences = new Map(live.data?.map((each) => [each.digest, each.sequence]));
  return (
    <Frame title="Models" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Lineage"
        note="Newest first. No round starts from a discarded or rolled-back model or from one that comes of it."
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
              {each.isBase && (
                <>
                  {' '}
                  <span class="state ok">● the next round starts here</span>
                </>
              )}
            </>,
            each.parent === '' ? (
              'nothing'
            ) : (
              <Figure>
                {sequences.get(each.parent)} <Digest of={each.parent} />
              </Figure>
            ),
            <State of={each.state} />,
            each.provenance === null ? (
              '–'
            ) : (
              <a href={roundLink(each.provenance)}>{each.provenance.round}</a>
            ),
            each.provenance === null ? '–' : <Contributors of={each.provenance.contributors} />,
            each.provenance === null ? '–' : <Guarantee of={each.provenance.privacy} />,
            <Detector of={each} />,
          ]}
        />
      </Part>
      <Rollback />
    </Frame>
  );
}

/** Going back is a vote on the channel: cast here with a hospital's own key, or by the hospital's own tools. */
function Rollback(): JSX.Element | null {
  const live = useLive<RollbackView>('/rollback');
  const candidates = useSteady(live.data?.candidates ?? [], (each) => String(each.version));
  const votes = useSteady(live.data?.votes ?? [], (each) => each.transactionId);
  if (live.data === null) return null;
  const { needed, hospitals, active } = live.data;
  return (
    <>
      <Part
        title="Going back"
        note={`Version ${active ?? 'none'} is active. An older detector becomes active again when ${needed} of ${hospitals.length} hospitals (${hospitals.join(', ')}) vote for it on the channel, each through a person with the role hospital-admin, and one of them then carries it out; nobody here can do it for them.`}
      >
        <Table
          label="Detectors to go back to"
          columns={['Version', 'Detector', 'Voted for', 'Go back', 'Never use again']}
          steady={candidates}
          keyOf={(each) => String(each.version)}
          empty="No detector was active before this one."
          cells={(each) => [
            each.version,
            <Digest of={each.detector} />,
            voted(live.data!.votes, String(each.version)),
            <Ballot about={String(each.version)} step="roll-back" done={live.reload} />,
            <Ballot about={String(each.version)} step="withdraw" done={live.reload} />,
          ]}
        />
      </Part>
      <Part
        title="Votes on detectors"
        note="All that are on the channel, which counts them and holds the digest of each reason. The words are known of votes that were cast on this page."
      >
        <VotesTable label="Votes on detectors" votes={votes} />
      </Part>
    </>
  );
}

function voted(votes: readonly ChannelVote[], version: string): string {
  // A vote is used up when it is carried out.
  const since = votes.findIndex(
    (each) => each.about === version && !each.action.startsWith('vote-'),
  );
  const open = (since === -1 ? votes : votes.slice(0, since)).filter(
    (each) => each.about === version && each.action.startsWith('vote-'),
  );
  const words = open.map((each) => `${each.mspId} (${VOTE_WORDS[each.action] ?? each.action})`);
  return [...new Set(words)].join(', ') || 'nobody';
}

const STEPS = {
  'roll-back': {
    vote: 'Vote for',
    act: 'Go back to',
    voteEffect:
      'One vote of your hospital to make this version active again. It says nothing yet to the peers.',
    actEffect:
      'If enough hospitals voted, this version judges every transaction from the next block on.',
  },
  withdraw: {
    vote: 'Vote to withdraw',
    act: 'Withdraw',
    voteEffect: 'One vote of your hospital that this version is never used again.',
    actEffect: 'If enough hospitals voted, this version can never become active again.',
  },
} as const;

function Ballot(props: {
  about: string;
  step: 'roll-back' | 'withdraw';
  done: () => void;
}): JSX.Element {
  const { about, step, done } = props;
  const words = STEPS[step];
  if (operator.value === null) {
    const name = step === 'roll-back' ? 'rollBack' : 'withdraw';
    return (
      <code class="long">
        DetectorContract:vote {name} {about} SHA-256-OF-REASON
      </code>
    );
  }
  return (
    <span class="row-buttons">
      <VoteButton
        vote={{ kind: `vote-${step}`, about }}
        label={`${words.vote} ${about}…`}
        title={`${words.vote} version ${about}`}
        effect={words.voteEffect}
        done={done}
      />
      <VoteButton
        vote={{ kind: step, about }}
        label={`${words.act} ${about}…`}
        title={`${words.act} version ${about}`}
        effect={words.actEffect}
        done={done}
      />
    </span>
  );
}

type Provenance = NonNullable<ModelView['provenance']>;

function Contributors({ of }: { of: Provenance['contributors'] }): JSX.Element {
  return (
    <>
      {of.map(({ nodeId, influencePpm }, index) => (
        <Fragment key={nodeId}>
          {index > 0 && ', '}
          <Figure>
            {nodeId} {percent(influencePpm)}
          </Figure>
        </Fragment>
      ))}
    </>
  );
}

function Guarantee({ of: privacy }: { of: Provenance['privacy'] }): JSX.Element {
  return privacy.differentiallyPrivate ? <Price {...privacy} /> : <>none</>;
}

function Detector({ of: { publication } }: { of: ModelView }): JSX.Element {
  if (publication === null) return <span class="muted">none</span>;
  return (
    <>
      <State of={publication.state} why={publication.reason} />{' '}
      {publication.version !== null && <Figure>version {publication.version}</Figure>}{' '}
      {publication.detector !== '' && <Digest of={publication.detector} />}{' '}
      {publication.proposedAtMs !== null && (
        <small>
          proposed <Time ms={publication.proposedAtMs} />
        </small>
      )}
    </>
  );
}
