import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deltaOf } from '../src/accounting/epsilon.js';
import { runCommandLine, type CommandLineResult } from '../src/command-line.js';
import { FileReadError } from '../src/errors.js';
import { encodeEvent } from '../src/event-codec.js';
import { groupEpsilonBound } from '../src/group-event.js';
import { encodePlan } from '../src/plan-codec.js';
import { planPreset } from '../src/plan-presets.js';
import { appendRecord } from '../src/privacy-ledger.js';
import { createPrivacyPlan } from '../src/privacy-plan.js';
import { dpSgd, gaussian } from './events.js';

const AT = '2026-03-01T06:00:00.000Z';

function ledgerText(): string {
  const opened = appendRecord(null, 'opened', AT, { nodeId: 'H1' });
  const debited = appendRecord(opened.head, 'debited', AT, {
    roundId: 'r1',
    interval: { fromMs: 0, toMs: 1000 },
    event: encodeEvent(gaussian(7.0318266756)),
  });
  return opened.line + debited.line;
}

interface Interval {
  readonly lower: number;
  readonly upper: number;
}

const RESPONSE = { kind: 'randomized-response', buckets: 2, noise: 0.8 } as const;

const files: Record<string, string | Uint8Array> = {
  'events.json': JSON.stringify([
    { event: encodeEvent(dpSgd(0.0512, 3.05, 59)), count: 4 },
    { kind: 'gaussian', noiseMultiplier: 50 },
  ]),
  'response.json': JSON.stringify([RESPONSE]),
  'extra.json': '[{"event": {"kind": "no-op"}, "times": 3}]',
  'unknown.json': '[{"kind": "magic"}]',
  'broken.json': '[',
  'object.json': '{}',
  'plan.json': encodePlan(createPrivacyPlan(planPreset('demo', { parameterCount: 10 }))),
  'ledger.jsonl': ledgerText(),
  'torn.jsonl': ledgerText().slice(0, -3),
};

function run(line: string): CommandLineResult {
  return runCommandLine(line.split(' ').filter(Boolean), {
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw new FileReadError(path, new Error('ENOENT'));
      return typeof content === 'string' ? new TextEncoder().encode(content) : content;
    },
  });
}

function json(line: string): Record<string, unknown> {
  const result = run(`${line} --json`);
  expect(result.stderr).toBe('');
  expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

describe('bhs-dp', () => {
  it('epsilon: the example of the help', () => {
    const line =
      'epsilon --noise-multiplier 3.05 --sampling-rate 0.0512 --steps 59 --delta 1e-5 --relation add-or-remove --accountant pld';
    const answer = json(line) as unknown as {
      epsilon: number;
      interval: { lower: number; upper: number };
      inputs: { delta: number; relation: string };
      accountant: string;
    };
    expect(answer.epsilon).toBeCloseTo(0.49998, 4);
    expect(answer.interval.lower).toBeLessThan(answer.epsilon);
    expect(answer.interval.upper).toBeGreaterThanOrEqual(answer.epsilon);
    expect(answer.inputs).toMatchObject({ delta: 1e-5, relation: 'add-or-remove-one' });
    expect(answer.accountant).toBe('pld');
    expect(run(line).stdout).toMatch(/^epsilon 0\.4999\d+ at delta 0\.00001/);
  });

  it('epsilon: Rényi has no interval; infinity is null', () => {
    expect(
      json('epsilon --noise-multiplier 3 --delta 1e-5 --accountant rdp')['interval'],
    ).toBeNull();
    expect(json('epsilon --noise-multiplier 0 --delta 1e-5')['epsilon']).toBeNull();
  });

  it('epsilon: a file of heterogeneous events, and a group', () => {
    const one = json('epsilon --events events.json --delta 1e-5')['epsilon'] as number;
    expect(one).toBeGreaterThan(1.02);
    expect(one).toBeLessThan(1.06);
    const group = json('epsilon --events events.json --delta 1e-5 --windows-per-actor 2')[
      'epsilon'
    ] as number;
    expect(group).toBeGreaterThan(2.2);
  });

  it('epsilon: for a group without an exact rule, by the generic bound, and says so', () => {
    const line =
      'epsilon --events response.json --delta 1e-5 --relation replace-one --windows-per-actor';
    expect(json(`${line} 1`)).toMatchObject({ groupRule: null });
    const answer = json(`${line} 3`);
    expect(answer).toMatchObject({ groupRule: 'generic', interval: null });
    expect(answer['epsilon']).toBe(
      groupEpsilonBound(RESPONSE, 3, { delta: 1e-5, adjacency: 'replace-one' }),
    );
    expect(run(`${line} 3`).stdout).toMatch(/by the bound for any mechanism/);
    expect(json('epsilon --events events.json --delta 1e-5 --windows-per-actor 2')).toMatchObject({
      groupRule: 'exact',
    });
  });

  it('delta, certified from both sides', () => {
    for (const [line, expected] of [
      ['delta --noise-multiplier 7.0318266756 --epsilon 0.5', 1e-5],
      ['delta --noise-multiplier 3.0499 --sampling-rate 0.0512 --steps 59 --epsilon 0.5', 1e-5],
    ] as const) {
      const answer = json(line) as unknown as { delta: number; interval: Interval };
      expect(Math.abs(answer.delta / expected - 1)).toBeLessThan(1e-3);
      expect(answer.interval.lower).toBeLessThanOrEqual(answer.delta);
      expect(answer.interval.upper).toBeGreaterThanOrEqual(answer.delta);
      expect(answer.interval.upper - answer.interval.lower).toBeLessThan(3e-8);
      expect(run(line).stdout).toMatch(/^delta .*\ncertified in \[/);
      expect(json(`${line} --accountant rdp`)).toMatchObject({ interval: null, accountant: 'rdp' });
    }
  });

  it('delta: for a group without an exact rule, by the generic bound, as epsilon does', () => {
    const line = 'delta --events response.json --epsilon 1 --relation replace-one';
    const answer = json(`${line} --windows-per-actor 3`);
    expect(answer).toMatchObject({ groupRule: 'generic', interval: null });
    // δ (1 + e^ε + e^2ε) at ε = 1/3 of one record.
    const one = deltaOf(RESPONSE, { epsilon: 1 / 3, adjacency: 'replace-one' });
    const growth = 1 + Math.exp(1 / 3) + Math.exp(2 / 3);
    expect(answer['delta']).toBeCloseTo(Math.min(1, one * growth), 9);
    expect(answer['delta']).toBeGreaterThan(0.1);
    expect(run(`${line} --windows-per-actor 3`).stdout).toMatch(/by the bound for any mechanism/);
    expect(json('delta --events events.json --epsilon 1 --windows-per-actor 2')).toMatchObject({
      groupRule: 'exact',
    });
  });

  it('every answer echoes its inputs, and names the accountant and what is certified', () => {
    const answers: readonly [string, object][] = [
      [
        'epsilon --noise-multiplier 3 --delta 1e-5',
        { inputs: { delta: 1e-5, windowsPerActor: 1 } },
      ],
      ['delta --noise-multiplier 3 --epsilon 1', { inputs: { epsilon: 1, windowsPerActor: 1 } }],
      [
        'calibrate --epsilon 0.5 --delta 1e-5 --sampling-rate 0.1 --steps 9',
        { inputs: { epsilon: 0.5, delta: 1e-5, samplingRate: 0.1, steps: 9 } },
      ],
      [
        'statement --preset demo --parameters 10 --rounds 4',
        { inputs: { plan: null, preset: 'demo', parameters: 10, rounds: 4 } },
      ],
      ['statement --plan plan.json', { inputs: { plan: 'plan.json', preset: null, rounds: 0 } }],
      ['ledger show ledger.jsonl', { inputs: { file: 'ledger.jsonl', delta: null } }],
      ['ledger show ledger.jsonl --delta 1e-6', { inputs: { delta: 1e-6 }, delta: 1e-6 }],
    ];
    for (const [line, expected] of answers) {
      const answer = json(line);
      expect(answer).toMatchObject({ ...expected, accountant: 'pld' });
      const { lower, upper } = answer['interval'] as Interval;
      expect(lower).toBeGreaterThan(0);
      expect(upper).toBeGreaterThanOrEqual(lower);
    }
    expect(json('ledger verify ledger.jsonl')).toMatchObject({ inputs: { file: 'ledger.jsonl' } });
    const { interval } = json('calibrate --epsilon 0.5 --delta 1e-5 --sampling-rate 0.1 --steps 9');
    expect((interval as Interval).upper).toBeLessThanOrEqual(0.5);
    expect((interval as Interval).upper).toBeGreaterThan(0.4999);
  });

  it.each([
    ['statement --preset demo --parameters 10 --accountant rdp', 'accountant'],
    ['statement --plan plan.json --parameters 10', 'parameters'],
    ['ledger show ledger.jsonl --relation replace-one', 'relation'],
    ['ledger verify ledger.jsonl --delta 1e-5', 'delta'],
    ['epsilon --noise-multiplier 3 --delta 1e-5 --rounds 4', 'rounds'],
  ])('refuses what "%s" would not look at', (line, name) => {
    const { code, message } = JSON.parse(run(line).stderr) as { code: string; message: string };
    expect(code).toBe('ERR_DP_USAGE');
    expect(message).toContain(`--${name}`);
  });

  it('calibrate: alone, for replace-one, and beside other releases', () => {
    const s = (line: string): number => json(line)['noiseMultiplier'] as number;
    expect(s('calibrate --epsilon 0.5 --delta 1e-5')).toBeCloseTo(7.0318266756, 6);
    expect(s('calibrate --epsilon 0.5 --delta 1e-5 --relation replace-one')).toBeCloseTo(
      14.06365,
      4,
    );
    const beside = s(
      'calibrate --epsilon 2 --delta 1e-5 --sampling-rate 0.0512 --steps 59 --events events.json',
    );
    expect(s('calibrate --epsilon 0.5 --delta 1e-5 --sampling-rate 0')).toBe(0);
    expect(beside).toBeGreaterThan(
      s('calibrate --epsilon 2 --delta 1e-5 --sampling-rate 0.0512 --steps 59'),
    );
  });

  it('statement: of a preset and of a plan file', () => {
    const preset = json('statement --preset demo --parameters 10 --rounds 4');
    const plan = json('statement --plan plan.json --rounds 4');
    const said = ({ inputs, ...rest }: Record<string, unknown>): unknown => [typeof inputs, rest];
    expect(said(plan)).toEqual(said(preset));
    expect(run('statement --plan plan.json').stdout).toMatch(/^Per window: ε = 0\.5/);
  });

  it('ledger verify and show', () => {
    expect(json('ledger verify ledger.jsonl')).toMatchObject({ ok: true, records: 2 });
    const shown = json('ledger show ledger.jsonl') as unknown as {
      spent: { windowEpsilon: number; rounds: number };
    };
    expect(shown.spent.rounds).toBe(1);
    expect(shown.spent.windowEpsilon).toBeCloseTo(0.5, 8);
    expect(run('ledger show ledger.jsonl').stdout).toMatch(/1 rounds debited/);
  });

  it('ledger show: an actor costs what the plan of the debit certified for its six windows', () => {
    const plan = createPrivacyPlan(planPreset('hospital', { parameterCount: 10 }));
    const opened = appendRecord(null, 'opened', AT, {});
    files['hospital.jsonl'] =
      opened.line +
      appendRecord(opened.head, 'debited', AT, {
        roundId: 'r1',
        interval: { fromMs: 0, toMs: 1000 },
        windowsPerActor: plan.windowing.windowsPerActorMax,
        deltaExponent: plan.spec.deltaExponent,
        adjacency: plan.adjacency,
        event: encodeEvent(plan.event),
      }).line;
    const shown = json('ledger show hospital.jsonl') as {
      spent?: { actorEpsilon: number };
      windowsPerActor?: number;
      delta?: number;
    };
    expect(shown).toMatchObject({ windowsPerActor: 6, delta: 1e-5 });
    expect(shown.spent!.actorEpsilon).toBeCloseTo(plan.certified.actor, 4);
    expect(run('ledger show hospital.jsonl').stdout).toMatch(
      /actor with up to 6 windows a round: epsilon 3\.67/,
    );
    expect(run('ledger show hospital.jsonl --windows-per-actor 1').stdout).toMatch(
      /actor with up to 1 window a round: epsilon 0\.4999/,
    );
  });

  it('a ledger that does not verify: status 1 and the position', () => {
    const result = run('ledger verify torn.jsonl');
    expect(result.exitCode).toBe(1);
    expect(JSON.parse(result.stderr)).toMatchObject({
      code: 'ERR_DP_LEDGER_CORRUPT',
      line: 2,
      byteOffset: ledgerText().indexOf('\n') + 1,
    });
    expect(result.stderr).toMatch(/line 2 \(byte \d+\)/);
  });

  it('help', () => {
    expect(run('--help')).toMatchObject({ exitCode: 0 });
    expect(run('').exitCode).toBe(2);
    expect(run('help').stdout).toContain('bhs-dp epsilon');
  });

  it.each([
    ['guess', 'ERR_DP_USAGE'],
    ['epsilon extra --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --sigma 3', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3', 'ERR_DP_USAGE'],
    ['epsilon --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --events events.json --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier three --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --delta 1e-5 --steps 1.5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --delta 1e-5 --relation both', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --delta 1e-5 --accountant moments', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --delta 2', 'ERR_DP_ARGUMENT'],
    ['epsilon --noise-multiplier 3 --delta 1e-5 --windows-per-actor 0', 'ERR_DP_ARGUMENT'],
    ['epsilon --noise-multiplier=-3 --delta 1e-5', 'ERR_DP_EVENT'],
    ['epsilon --noise-multiplier 3 --sampling-rate 1.5 --delta 1e-5', 'ERR_DP_EVENT'],
    [
      'epsilon --noise-multiplier 3 --sampling-rate 0.5 --delta 1e-5 --relation replace-one --accountant rdp',
      'ERR_DP_UNSUPPORTED',
    ],
    ['epsilon --events absent.json --delta 1e-5', 'ERR_DP_FILE'],
    ['epsilon --events broken.json --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --events object.json --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --events extra.json --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --events unknown.json --delta 1e-5', 'ERR_DP_EVENT'],
    ['statement', 'ERR_DP_USAGE'],
    ['statement --preset huge --parameters 3', 'ERR_DP_ARGUMENT'],
    ['statement --preset demo', 'ERR_DP_USAGE'],
    ['statement --plan events.json', 'ERR_DP_PLAN'],
    ['ledger', 'ERR_DP_USAGE'],
    ['ledger mend ledger.jsonl', 'ERR_DP_USAGE'],
    ['ledger verify absent.jsonl', 'ERR_DP_FILE'],
    ['epsilon --noise-multiplier NaN --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier Infinity --delta 1e-5', 'ERR_DP_USAGE'],
    ['epsilon --noise-multiplier 3 --delta 0', 'ERR_DP_ARGUMENT'],
    ['epsilon --noise-multiplier 3 --delta 1', 'ERR_DP_ARGUMENT'],
    ['delta --noise-multiplier 3 --epsilon=-1', 'ERR_DP_ARGUMENT'],
    ['calibrate --epsilon 0.5 --delta 1e-5 --steps 0 --events events.json', 'ERR_DP_UNREACHABLE'],
    ['calibrate --epsilon -1 --delta 1e-5', 'ERR_DP_USAGE'],
    ['calibrate --epsilon 0.5 --delta 1e-5 --sampling-rate 2', 'ERR_DP_EVENT'],
  ])('refuses "%s" with %s', (line, code) => {
    const result = run(line);
    expect(JSON.parse(result.stderr)).toMatchObject({ code });
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toBe('');
  });

  const bin = new URL('../bin/bhs-dp.js', import.meta.url).pathname;
  const built = existsSync(new URL('../dist/cli.js', import.meta.url));
  it.skipIf(!built)('runs as a program', () => {
    const out = execFileSync(process.execPath, [
      bin,
      'epsilon',
      '--noise-multiplier',
      '7.0318266756',
      '--delta',
      '1e-5',
      '--json',
    ]);
    expect((JSON.parse(out.toString()) as { epsilon: number }).epsilon).toBeCloseTo(0.5, 9);
  });
});
