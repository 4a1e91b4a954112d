import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { HoldDetail } from '../../src/http/answers.js';
import { Around, Deferral } from './around.js';
import { Conflict } from './conflict.js';
import { Decide } from './decide.js';
import { HeatMap } from './heat-map.js';
import { Legitimacy, SeenBefore } from './legitimacy.js';
import { detail, detailProblem, loadDetail, nowMs, open, openTxId } from './model.js';
import { Members } from './members.js';
import { Officer } from './officer.js';
import { ProofPanel } from './proof-panel.js';
import { PeersPanel } from './peers.js';
import { ScoreBar } from './score-bar.js';
import { TimelinePanel } from './timeline.js';
import {
  agoWord,
  CAUSES,
  columnWord,
  findingWord,
  scoreWord,
  sentenceOf,
  shortHash,
  STATES,
  stepWord,
  timeWord,
  untilWord,
  valueWord,
  verbOf,
} from './words.js';

export function Detail(): JSX.Element {
  const hold = detail.value;
  return (
    <section class="detail" aria-label="Hold" tabIndex={-1}>
      {openTxId.value === null ? (
        <p class="empty wide-only">
          Choose a hold on the left. <kbd>j</kbd> and <kbd>k</kbd> move, <kbd>Enter</kbd> opens.
        </p>
      ) : detailProblem.value !== null ? (
        <div class="empty" role="alert">
          <p>{detailProblem.value}</p>
          <button type="button" onClick={() => void loadDetail()}>
            Try again
          </button>
          <button
            type="button"
            onClick={() => {
              open(null);
            }}
          >
            Back to the queue
          </button>
        </div>
      ) : hold === null ? (
        <div class="loading" aria-busy="true" />
      ) : (
        <Sheet hold={hold} />
      )}
    </section>
  );
}

function Sheet({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const state = STATES[hold.state];
  return (
    <article>
      <button
        type="button"
        class="back narrow-only"
        onClick={() => {
          open(null);
        }}
      >
        ← Queue
      </button>
      <header class="sheet-top">
        <p class="eyebrow">
          <span class={`state ${hold.state}`}>
            <span aria-hidden="true">{state.icon}</span> {state.word}
          </span>
          <span>{hold.id}</span>
          {hold.kind === 'review' && <em class="tag ran">⚡ ran, to be reviewed</em>}
          <span title={timeWord(hold.filedAt)}>held {agoWord(hold.filedAt, nowMs.value)}</span>
          {hold.can.length > 0 && (
            <span title={timeWord(hold.deadlineAt)}>
              due {untilWord(hold.deadlineAt, nowMs.value)}
            </span>
          )}
        </p>
        <h2>{sentenceOf(hold)}</h2>
        <Verdict hold={hold} />
      </header>
      <Conflict hold={hold} />
      <Decide hold={hold} />
      <Deferral hold={hold} />
      <Around hold={hold} key={`around ${hold.txId}`} />
      <Jump />
      {hold.evidence === null ? (
        <Part title="Why it was held">
          <p>
            Cause: {CAUSES[hold.cause] ?? hold.cause}. {hold.evidenceMissing}
          </p>
        </Part>
      ) : (
        <>
          <Reasons hold={hold} />
          <Part title="Why it may be fine">
            <Legitimacy hold={hold} />
          </Part>
          <Part title="Who saw it">
            <Members evidence={hold.evidence} />
          </Part>
          <Part title="The session, step by step">
            <HeatMap evidence={hold.evidence} key={hold.txId} />
          </Part>
        </>
      )}
      <Part title="Timeline">
        <WhenSeen key={`timeline ${hold.txId}`}>
          <TimelinePanel hold={hold} />
        </WhenSeen>
      </Part>
      <Part title="Peers">
        <WhenSeen key={`peers ${hold.txId}`}>
          <PeersPanel hold={hold} />
        </WhenSeen>
      </Part>
      <Part title="Seen before">
        <SeenBefore hold={hold} />
      </Part>
      <SameActor hold={hold} />
      <History hold={hold} />
      <Officer hold={hold} key={`officer ${hold.txId}`} />
      <Part title="Proof">
        <ProofPanel hold={hold} key={hold.txId} />
      </Part>
    </article>
  );
}

function Verdict({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const score = hold.scoreMillionths;
  const theta = hold.evidence?.theta ?? 870_000;
  const alpha = hold.evidence?.alphaPpm ?? null;
  return (
    <div class="verdict">
      <div class="verdict-score">
        <span class="big-score">{scoreWord(score)}</span>
        <ScoreBar millionths={score} />
      </div>
      <p class="muted">
        {score === null
          ? 'No detector judged this call.'
          : score >= theta
            ? `${((score - theta) / 1e6).toFixed(3)} above the threshold θ = ${(theta / 1e6).toFixed(2)}`
            : `below the threshold θ = ${(theta / 1e6).toFixed(2)}; held for another cause: ${CAUSES[hold.cause] ?? hold.cause}`}
        {alpha !== null &&
          `, which holds about ${Math.round(alpha / 1_000)} in 1,000 normal calls.`}
      </p>
    </div>
  );
}

function Reasons({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const evidence = hold.evidence!;
  const most = Math.max(0.01, ...evidence.reasons.map((reason) => reason.share));
  return (
    <Part title="Why it is unusual">
      {hold.cause !== 'score' && (
        <p class="note">
          Held because: {CAUSES[hold.cause] ?? hold.cause}. The score alone did not decide.
        </p>
      )}
      <ol class="reasons">
        {evidence.reasons.map((reason) => (
          <li key={reason.column}>
            <span class="reason-name" title={reason.column}>
              {columnWord(reason.column)}
            </span>
            <span class="reason-value">{valueWord(reason.value, reason.unit)}</span>
            <meter class="reason-bar" min={0} max={most} value={Math.max(0, reason.share)}>
              {Math.round(reason.share * 100)} %
            </meter>
            <span class="reason-more">
              {reason.ratio >= 1.05 && `${reason.ratio.toFixed(1)} × the usual error · `}
              {Math.round(reason.share * 100)} % of the distance
              {reason.scoreWithout < evidence.score &&
                ` · without it ${scoreWord(reason.scoreWithout)}${reason.scoreWithout < evidence.theta ? ', which would have passed' : ''}`}
            </span>
          </li>
        ))}
      </ol>
      {evidence.sentences.length > 0 && (
        <details>
          <summary>In sentences</summary>
          <ul class="plain">
            {evidence.sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      )}
      <p class="muted small">
        An unexplained access is not a guilty one: it needs somebody who knows the ward.
      </p>
    </Part>
  );
}

function SameActor({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  if (hold.sameActor.length === 0) return null;
  return (
    <Part title={`More from ${hold.actor}`}>
      <ul class="related">
        {hold.sameActor.map((other) => (
          <li key={other.txId}>
            <a href={`#/hold/${other.txId}`}>{other.id}</a>
            <span>{verbOf(other.function)}</span>
            <span class="score">{scoreWord(other.scoreMillionths)}</span>
            <span class={`state ${other.state}`}>
              <span aria-hidden="true">{STATES[other.state].icon}</span> {STATES[other.state].word}
            </span>
            <time class="muted small" dateTime={other.at}>
              {timeWord(other.at)}
            </time>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function History({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  return (
    <Part title="History">
      <ol class="history">
        {hold.history.map((step) => (
          <li key={step.version}>
            <p>
              <b>{step.by.name}</b> {stepWord(step.step)}
              {step.step === 'propose' &&
                step.version === hold.version &&
                hold.action !== null &&
                ` to ${hold.action}: ${findingWord(hold.finding)}`}
              {step.step === 'approve' && ` → ${step.to}`}
            </p>
            {step.reason !== null && <blockquote>{step.reason}</blockquote>}
            <p class="muted small">
              <time dateTime={step.at}>{timeWord(step.at)}</time> · {step.mspId} · block{' '}
              {step.block} · <code title={step.txId}>{shortHash(step.txId)}</code>
            </p>
          </li>
        ))}
      </ol>
      {hold.grant !== null && (
        <p class="note">
          {hold.grant.usedBy === null ? (
            <>
              Grant open until {timeWord(hold.grant.expiresAt)}: {hold.actor} has not submitted
              again yet.
            </>
          ) : (
            <>
              Grant used once, by transaction{' '}
              <code title={hold.grant.usedBy}>{shortHash(hold.grant.usedBy)}</code>. It cannot be
              used again.
            </>
          )}
        </p>
      )}
    </Part>
  );
}

function Part({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="part" tabIndex={-1} data-part={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

const JUMPS = [
  ['Why it is unusual', 'Explain'],
  ['Timeline', 'Timeline'],
  ['Peers', 'Peers'],
  ['Seen before', 'Similar'],
  ['History', 'History'],
  ['Proof', 'Proof'],
] as const;

/** The sheet is one page; these lead down it. */
function Jump(): JSX.Element {
  return (
    <nav class="jump" aria-label="Parts of this hold">
      {JUMPS.map(([part, word]) => (
        <button
          key={part}
          type="button"
          class="chip"
          onClick={() => {
            const found =
              document.querySelector<HTMLElement>(`[data-part="${part}"]`) ??
              document.querySelector<HTMLElement>('.detail [data-part]');
            found?.focus();
            found?.scrollIntoView({ block: 'start' });
          }}
        >
          {word}
        </button>
      ))}
    </nav>
  );
}

/** Charts ask the node once somebody comes near them, not for every hold that is walked past. */
function WhenSeen({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const seen = useSignal(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) seen.value = true;
      },
      { rootMargin: '200px' },
    );
    if (place.current !== null) watcher.observe(place.current);
    return () => {
      watcher.disconnect();
    };
  }, []);
  return <div ref={place}>{seen.value ? children : <div class="loading low" />}</div>;
}
