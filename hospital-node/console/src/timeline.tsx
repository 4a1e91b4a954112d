/**
 * What the actor did before: one mark a call, the higher the stranger, and below it the hours in which she usually works.
 * The same calls stand in a table.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { HoldDetail, Timeline } from '../../src/http/answers.js';
import { useAsked } from './asked.js';
import { CallsTable } from './calls-table.js';

const WIDTH = 640;
const HEIGHT = 150;
const LEFT = 34;
const BOTTOM = 20;
const THETA = 870_000;

export function TimelinePanel({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const days = useSignal<1 | 7>(1);
  const { value, problem } = useAsked<Timeline>(`/holds/${hold.txId}/timeline?days=${days.value}`);
  return (
    <>
      <p class="switch" role="group" aria-label="Time span">
        {([1, 7] as const).map((each) => (
          <button
            key={each}
            type="button"
            class="chip"
            aria-pressed={days.value === each}
            onClick={() => {
              days.value = each;
            }}
          >
            {each === 1 ? '24 hours' : '7 days'}
          </button>
        ))}
      </p>
      {problem !== null ? (
        <p role="alert">{problem}</p>
      ) : value === null ? (
        <div class="loading low" aria-busy="true" />
      ) : value.calls.length === 0 ? (
        <p>No call of {hold.actor} was read in this time.</p>
      ) : (
        <>
          <TimelineChart line={value} hold={hold} />
          <UsualHours line={value} hold={hold} />
          <CallsTable calls={value.calls.toReversed()} more={value.more} />
        </>
      )}
    </>
  );
}

/** @param hold - the call that is marked; no transaction id marks none */
export function TimelineChart({
  line,
  hold,
}: {
  readonly line: Pick<Timeline, 'fromAt' | 'toAt' | 'calls'>;
  readonly hold: Pick<HoldDetail, 'actor' | 'txId'>;
}): JSX.Element {
  const from = Date.parse(line.fromAt);
  const span = Date.parse(line.toAt) - from;
  const x = (at: string): number => LEFT + ((Date.parse(at) - from) / span) * (WIDTH - LEFT - 8);
  const y = (score: number | null): number =>
    HEIGHT - BOTTOM - ((score ?? 0) / 1e6) * (HEIGHT - BOTTOM - 10);
  const held = line.calls.filter((call) => call.held).length;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Timeline, scrollable">
      <svg
        class="chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${line.calls.length} calls of ${hold.actor}, ${held} of them held; the table below has each`}
      >
        {[0, 500_000].map((score) => (
          <g key={score}>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={y(score)} y2={y(score)} />
            <text x={LEFT - 6} y={y(score) + 4} text-anchor="end">
              {score / 1e6}
            </text>
          </g>
        ))}
        <line class="theta-line" x1={LEFT} x2={WIDTH} y1={y(THETA)} y2={y(THETA)} />
        <text x={LEFT - 6} y={y(THETA) + 4} text-anchor="end">
          θ
        </text>
        {[0, 0.25, 0.5, 0.75].map((share) => (
          <text key={share} x={LEFT + share * (WIDTH - LEFT - 8)} y={HEIGHT - 4}>
            {tick(from + share * span, span)}
          </text>
        ))}
        {line.calls.map((call, i) => {
          const [cx, cy] = [x(call.at), y(call.scoreMillionths)];
          return call.held ? (
            <rect
              key={i}
              class={call.txId === hold.txId ? 'mark-held this' : 'mark-held'}
              x={cx - 4.5}
              y={cy - 4.5}
              width="9"
              height="9"
              transform={`rotate(45 ${cx} ${cy})`}
            />
          ) : (
            <circle
              key={i}
              class={call.scoreMillionths === null ? 'mark-ran unscored' : 'mark-ran'}
              cx={cx}
              cy={cy}
              r="3.5"
            />
          );
        })}
      </svg>
    </div>
  );
}

function tick(ms: number, span: number): string {
  const at = new Date(ms);
  return span > 2 * 86_400_000
    ? at.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric' })
    : at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

function UsualHours({
  line,
  hold,
}: {
  readonly line: Timeline;
  readonly hold: HoldDetail;
}): JSX.Element {
  const shift = -Math.round(new Date(hold.at).getTimezoneOffset() / 60);
  const local = Array.from({ length: 24 }, (_, h) => line.usualHours[(h - shift + 48) % 24] ?? 0);
  const most = Math.max(1, ...local);
  const total = local.reduce((sum, n) => sum + n, 0);
  const here = new Date(hold.at).getHours();
  return (
    <div class="hours">
      <svg viewBox="0 0 240 34" role="img" aria-label={`Calls by hour of the day, ${total} in all`}>
        {local.map((n, h) => (
          <rect
            key={h}
            class={h === here ? 'hour this' : 'hour'}
            x={h * 10 + 1}
            width="8"
            y={32 - (n / most) * 30}
            height={Math.max(1, (n / most) * 30)}
          />
        ))}
      </svg>
      <p class="muted small">
        Hours of the day, from the last 30 days ({total} calls). This call came between {here}:00
        and {here + 1}:00, when {Math.round(((local[here] ?? 0) / Math.max(1, total)) * 100)} % of
        them came.
      </p>
    </div>
  );
}
