/** What the demo says while it runs: one line per fact, with the seconds since its start. @module */
import pico from 'picocolors';

export interface Narrator {
  /** `hop` names the station, `text` what happened there. */
  say(hop: string, text: string): void;
  /** Something to worry about. */
  warn(text: string): void;
  blank(): void;
}

export function createNarrator(o: {
  readonly write: (line: string) => void;
  readonly elapsedMs: () => number;
  readonly colour: boolean;
}): Narrator {
  const colours = pico.createColors(o.colour);
  const stamp = (): string => colours.dim(`${(o.elapsedMs() / 1000).toFixed(1).padStart(6)} s`);
  return {
    say: (hop, text) => o.write(`${stamp()}  ${colours.cyan(hop.padEnd(12))} ${text}\n`),
    warn: (text) => o.write(`${stamp()}  ${colours.yellow('attention'.padEnd(12))} ${text}\n`),
    blank: () => o.write('\n'),
  };
}
