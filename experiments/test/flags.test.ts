import { describe, expect, it } from 'vitest';
import { parseDemoFlags } from '../src/demo/flags.js';

function refusal(argv: string[]): { code: string; message: string } {
  try {
    parseDemoFlags(argv);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}

describe('the demo’s flags', () => {
  it('have the defaults that the help names', () => {
    expect(parseDemoFlags([])).toEqual({
      kind: 'run',
      flags: {
        hospitals: 3,
        rounds: 3,
        days: null,
        seed: 1,
        stateDir: '.demo',
        port: null,
        log: null,
        fabric: false,
        strangeUpdate: null,
        exit: false,
        json: false,
      },
    });
  });

  it('are taken with a space and with an equals sign', () => {
    const command = parseDemoFlags(['--hospitals=5', '--rounds', '2', '--exit', '--json']);
    expect(command).toMatchObject({ flags: { hospitals: 5, rounds: 2, exit: true, json: true } });
  });

  it('mean five hospitals on a real network, unless told otherwise', () => {
    expect(parseDemoFlags(['--fabric'])).toMatchObject({ flags: { hospitals: 5, fabric: true } });
    const small = parseDemoFlags(['--fabric', '--hospitals', '3']);
    expect(small).toMatchObject({ flags: { hospitals: 3, fabric: true } });
  });

  it.each([
    [['--hospitals', '1'], "--hospitals: expected a whole number from 2 to 8, got '1'"],
    [['--hospitals', '9'], "--hospitals: expected a whole number from 2 to 8, got '9'"],
    [['--hospitals', '3.5'], "--hospitals: expected a whole number from 2 to 8, got '3.5'"],
    [['--rounds', '-1'], "--rounds: expected a whole number from 1 to 100, got '-1'"],
    [['--seed', 'NaN'], "--seed: expected a whole number from 0 to 4294967295, got 'NaN'"],
    [['--port', '70000'], "--port: expected a whole number from 1 to 65527, got '70000'"],
    [['--days', '0'], "--days: expected a whole number from 1 to 60, got '0'"],
    [['--strange-update', 'H4'], "--strange-update: expected one of H1, H2, H3, got 'H4'"],
    [
      ['--strange-update', 'H2', '--hospitals', '2'],
      '--strange-update: expected at least 3 hospitals, got 2',
    ],
    [['--rounds'], '--rounds needs a value'],
    [['--log', '--exit'], '--log needs a value'],
    [['--exit=yes'], "--exit takes no value, got 'yes'"],
    [['--seed', '1', '--seed', '2'], '--seed given twice'],
    [['extra'], "unexpected argument 'extra'; flags begin with --"],
    [['--verify', 'x', '--exit'], '--exit does not go with --verify'],
  ])('%j is refused in a sentence', (argv, message) => {
    expect(refusal(argv)).toMatchObject({ code: 'ERR_DEMO_FLAG', message });
  });

  it('suggest the nearest known flag', () => {
    expect(refusal(['--hospital', '3']).message).toContain('did you mean --hospitals?');
    expect(refusal(['--frobnicate']).message).not.toContain('did you mean');
  });
});
