import type { JSX } from 'preact';
import { lazy, Suspense } from 'preact/compat';
import type { Overview } from './api.js';
import { useLive } from './live.js';
import { AuditPage } from './pages/audit.js';
import { ModelsPage } from './pages/models.js';
import { NodesPage } from './pages/nodes.js';
import { PrivacyPage } from './pages/privacy.js';
import { RoundPageView } from './pages/round.js';
import { RoundsPage } from './pages/rounds.js';
import { UpdatesPage } from './pages/updates.js';
import { PAGES, route } from './route.js';
import { Me, Refused } from './sign-in.js';
import { nextTheme, theme } from './theme.js';
import { duration } from './words.js';

const MetricsPage = lazy(() => import('./pages/metrics.js'));

export function App(): JSX.Element {
  const overview = useLive<Overview>('/overview');
  return (
    <>
      <a class="skip" href="#page" onClick={skip}>
        To the content
      </a>
      <Header overview={overview.data} />
      <Refused />
      {overview.data?.paused === true && (
        <p class="banner warn">
          The rounds are paused: every slot is skipped until somebody resumes.
        </p>
      )}
      {overview.data?.replay === true && (
        <p class="banner calm">
          Replay: slots are wall time, the access logs are older ones. This is declared in the
          federation's document.
        </p>
      )}
      <main id="page" tabIndex={-1}>
        <Page overview={overview.data} problem={overview.problem} />
      </main>
    </>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('page')?.focus();
}

function Page(props: { overview: Overview | null; problem: string | null }): JSX.Element {
  const { page, round } = route.value;
  if (round !== null) {
    const federationId = props.overview?.federationId ?? '';
    const key = `${round.slot}.${round.attempt}`;
    return <RoundPageView key={key} of={round} federationId={federationId} />;
  }
  switch (page) {
    case 'rounds':
      return <RoundsPage overview={props.overview} />;
    case 'nodes':
      return <NodesPage />;
    case 'privacy':
      return <PrivacyPage />;
    case 'models':
      return <ModelsPage />;
    case 'updates':
      return <UpdatesPage federationId={props.overview?.federationId ?? ''} />;
    case 'metrics':
      return (
        <Suspense fallback={<p class="muted">Loading the plots…</p>}>
          <MetricsPage />
        </Suspense>
      );
    case 'audit':
      return <AuditPage />;
  }
}

function Header({ overview }: { overview: Overview | null }): JSX.Element {
  return (
    <header class="top">
      <p class="brand">
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M8 20l5-6 4 4 7-9" />
          <circle cx="24" cy="9" r="3" />
        </svg>
        Federation <span class="place">{overview?.federationId ?? '…'}</span>
      </p>
      <nav aria-label="Pages">
        {PAGES.map(([name, word]) => (
          <a
            key={name}
            href={`#${name}`}
            aria-current={route.value.page === name ? 'page' : undefined}
          >
            {word}
          </a>
        ))}
      </nav>
      <div class="me">
        {overview !== null && (
          <span class="facts">
            next slot in {duration(overview.nextSlotAtMs - overview.nowMs)} ·{' '}
            {overview.publication.waiting === '' ? '● channel' : '▲ channel away'}
          </span>
        )}
        <Me />
        <button type="button" class="quiet" onClick={nextTheme} title={`Theme: ${theme.value}`}>
          <span aria-hidden="true">◐</span>
          <span class="sr">Theme, now {theme.value}</span>
        </button>
      </div>
    </header>
  );
}
