/**
 * Plots of the exported gauges and counters – live, or as the orchestrator keeps them – and of the rounds on record. Loaded
 * on its own: the plot library is of no use elsewhere.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { ask, type MetricsHistory, type MetricsView, type Timeline } from '../api.js';
import { useLive } from '../live.js';
import { theme } from '../theme.js';
import { duration, Frame, Part } from '../words.js';

const SAMPLES_MAX = 1_200;
const SPANS = [
  ['live', 'Live'],
  ['fine', 'Two hours'],
  ['coarse', 'Thirty days'],
] as const;
type Span = (typeof SPANS)[number][0];
type Metric = MetricsView['metrics'][number];

export default function MetricsPage(): JSX.Element {
  const live = useLive<MetricsView>('/metrics');
  const rounds = useLive<Timeline>('/timeline');
  const span = useSignal<Span>('fine');
  const history = useHistory(span.value);
  const samples = useRef<MetricsView[]>([]);
  if (live.data !== null && live.data.nowMs !== samples.current.at(-1)?.nowMs) {
    samples.current = [...samples.current, live.data].slice(-SAMPLES_MAX);
  }
  const ended = (rounds.data?.rounds ?? [])
    .filter((each) => each.endedAtMs !== null && each.phases.length > 0)
    .toReversed();
  // The history ends where the page began to sample.
  const kept = history?.atMs.filter((atMs) => atMs < (samples.current[0]?.nowMs ?? Infinity)) ?? [];
  const x = [...kept, ...samples.current.map((each) => each.nowMs)].map((ms) => ms / 1_000);
  const seriesOf = (metric: Metric): readonly Series[] =>
    labelsOf(metric, history).map((label) => ({
      name: label === '' ? 'value' : label,
      values: [
        ...(history?.series[metric.name]?.[label]?.slice(0, kept.length) ?? kept.map(() => null)),
        ...samples.current.map((sample) => valueOf(sample, metric.name, label)),
      ],
    }));
  const plots = (type: string): readonly Metric[] =>
    (live.data?.metrics ?? []).filter(
      (each) => each.type === type && each.name !== 'federation_round_phase',
    );
  return (
    <Frame title="Metrics" loaded={live.data !== null} problem={live.problem}>
      <Part title="Rounds on record">
        <div class="plots">
          <Plot
            title="Accepted updates by round"
            x={ended.map((each) => each.startedAtMs / 1_000)}
            series={[{ name: 'accepted', values: ended.map((each) => each.accepted.length) }]}
          />
          <Plot
            title="Duration of a round in seconds"
            x={ended.map((each) => each.startedAtMs / 1_000)}
            series={[
              {
                name: 'seconds',
                values: ended.map((each) => (each.endedAtMs! - each.startedAtMs) / 1_000),
              },
            ]}
          />
        </div>
      </Part>
      <fieldset class="spans">
        <legend>Plots over</legend>
        {SPANS.map(([name, word]) => (
          <label key={name}>
            <input
              type="radio"
              name="span"
              checked={span.value === name}
              onChange={() => (span.value = name)}
            />{' '}
            {word}
          </label>
        ))}
        <span class="muted">{noteOf(history)}</span>
      </fieldset>
      <Part title="States">
        <div class="plots">
          {plots('gauge').map((metric) => (
            <Plot
              key={metric.name}
              title={metric.help}
              name={metric.name}
              x={x}
              series={seriesOf(metric)}
            />
          ))}
        </div>
      </Part>
      <Part title="Totals" note="Counted since the orchestrator started; a restart begins at zero.">
        <div class="plots">
          {plots('counter').map((metric) => (
            <Plot
              key={metric.name}
              title={metric.help}
              name={metric.name}
              x={x}
              series={seriesOf(metric)}
            />
          ))}
        </div>
      </Part>
    </Frame>
  );
}

/** Read once for each choice; from then on the page's own samples follow. */
function useHistory(span: Span): MetricsHistory | null {
  const history = useSignal<MetricsHistory | null>(null);
  useEffect(() => {
    let wanted = true;
    history.value = null;
    if (span === 'live') return undefined;
    void ask<MetricsHistory>(`/metrics/history?resolution=${span}`)
      .then((answer) => {
        if (wanted) history.value = answer;
      })
      .catch(() => undefined); // the live plots stay, and say themselves if nobody answers
    return () => {
      wanted = false;
    };
  }, [span]);
  return history.value;
}

function noteOf(history: MetricsHistory | null): string {
  const live = 'every three seconds since this page was opened; times in UTC';
  if (history === null) return `A sample ${live}.`;
  const { everyMs, keptMs } = history;
  return `A sample every ${duration(everyMs)}, kept for ${duration(keptMs)}, as it was at that moment; then ${live}.`;
}

function labelsOf(metric: Metric, history: MetricsHistory | null): readonly string[] {
  const before = Object.keys(history?.series[metric.name] ?? {});
  return [...new Set([...metric.values.map((each) => labelOf(each)), ...before])];
}

function labelOf({ labels }: Metric['values'][number]): string {
  return Object.values(labels).join(' ');
}

function valueOf(sample: MetricsView, name: string, label: string): number | null {
  const metric = sample.metrics.find((each) => each.name === name);
  return metric?.values.find((each) => labelOf(each) === label)?.value ?? null;
}

interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** A single sample would stretch over years. */
const LEAST_SECONDS = 60;
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

function Plot(props: {
  title: string;
  name?: string;
  x: readonly number[];
  series: readonly Series[];
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = `${theme.value} ${props.series.map((each) => each.name).join()}`;
  const data = (): uPlot.AlignedData => [
    [...props.x],
    ...props.series.map((each) => [...each.values]),
  ];
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue('--muted').trim();
    const line = style.getPropertyValue('--line').trim();
    const colours = ['--accent', '--heat-high', '--ok', '--warn', '--bad'].map((name) =>
      style.getPropertyValue(name).trim(),
    );
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: 160,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: {
            time: true,
            range: (_plot: uPlot, from: number, to: number): [number, number] => [
              Math.min(from, to - LEAST_SECONDS),
              to,
            ],
          },
          y: { range: { min: { soft: 0, mode: 2, pad: 0 }, max: { pad: 0.15, soft: 1, mode: 2 } } },
        },
        axes: [
          { ...axis, values: (_plot: uPlot, splits: number[]) => splits.map(clockOf(splits)) },
          { ...axis, size: 56, values: (_plot: uPlot, splits: number[]) => splits.map(short) },
        ],
        series: [
          {},
          ...props.series.map((each, index) => ({
            label: each.name,
            stroke: colours[index % colours.length]!,
            width: 2,
            dash: DASHES[index % DASHES.length]!,
            points: { show: true, size: 4 },
          })),
        ],
      },
      data(),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: 160 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(data());
  });
  return (
    <figure class="plot">
      <figcaption>
        {props.title} {props.name !== undefined && <code>{props.name}</code>}
      </figcaption>
      <div ref={place} aria-hidden="true" />
      <p class="muted small">
        Now:{' '}
        {props.series
          .map((each) => `${each.name} ${format(each.values.at(-1) ?? null)}`)
          .join(' · ') || 'nothing yet'}
      </p>
    </figure>
  );
}

/** Hours and minutes of UTC; where days fit between two marks, the day. */
function clockOf(splits: readonly number[]): (seconds: number) => string {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  return (seconds) => {
    const utc = new Date(seconds * 1_000).toISOString();
    if (step >= 86_400) return utc.slice(5, 10);
    return step >= 60 ? utc.slice(11, 16) : utc.slice(11, 19);
  };
}

const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });

function short(value: number): string {
  return SHORT.format(value);
}

function format(value: number | null): string {
  return value === null ? '–' : String(Math.round(value * 1_000) / 1_000);
}
