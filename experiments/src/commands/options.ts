import { InvalidArgumentError, Option } from 'commander';

export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected an integer from ${least} to ${most}, got ${text}.`);
  };
}

export function runsOption(): Option {
  return new Option('--runs <dir>', 'where runs lie (default ./runs)');
}
