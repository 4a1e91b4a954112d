/**
 * Plots of the exported metrics since the page was opened, and of the rounds on record. Loaded on its own: the plot
 * library is of no use elsewhere.
 * @module
 */
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { MetricsView, Timeline } from '../api.js';
import { useLive } from '../live.js';
import { theme } from '../theme.js';
import { Frame, Part } from '../words.js';

const SAMPLES_MAX = 1_200;

export default function MetricsPage(): JSX.Element {
  const live = useLive<MetricsView>('/metrics');
  const rounds = useLive<Timeline>('/timeline');
  const samples = useRef<MetricsView[]>([]);
  const newest = samples.current.at(-1);
  if (live.data !== null && live.data.nowMs !== newest?.nowMs) {
    samples.current = [...samples.current, live.data].slice(-SAMPLES_MAX);
  }
  const ended = (rounds.data?.rounds ?? [])
    .filter((each) => each.endedAtMs !== null && each.phases.length > 0)
    .toReversed();
  const x = samples.current.map((each) => each.nowMs / 1_000);
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
      <Part
        title="Live"
        note="Sampled every three seconds since this page was opened; times in UTC."
      >
        <div class="plots">
          {(live.data?.metrics ?? [])
            .filter((each) => each.type === 'gauge' && each.name !== 'federation_round_phase')
            .map((metric) => (
              <Plot
                key={metric.name}
                title={metric.help}
                name={metric.name}
                x={x}
                series={labelsOf(metric).map((label) => ({
                  name: label,
                  values: samples.current.map((sample) => valueOf(sample, metric.name, label)),
                }))}
              />
            ))}
        </div>
      </Part>
    </Frame>
  );
}

function labelsOf(metric: MetricsView['metrics'][number]): readonly string[] {
  return metric.values.map((each) => Object.values(each.labels).join(' ') || 'value');
}

function valueOf(sample: MetricsView, name: string, label: string): number | null {
  const metric = sample.metrics.find((each) => each.name === name);
  return (
    metric?.values.find((each) => (Object.values(each.labels).join(' ') || 'value') === label)
      ?.value ?? null
  );
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
        axes: [axis, { ...axis, size: 56 }],
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

function format(value: number | null): string {
  return value === null ? '–' : String(Math.round(value * 1_000) / 1_000);
}
