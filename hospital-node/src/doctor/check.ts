/**
 * One thing that the doctor looks at. Codes are never reused; a skip is never a pass.
 * @module
 */
import { codeOf } from '../errors.js';

export type CheckState = 'PASS' | 'WARN' | 'FAIL' | 'SKIP';

/** Without its code. */
export interface Look {
  readonly state: CheckState;
  /** What was found. */
  readonly sentence: string;
  /** What to do; '' for a pass. */
  readonly fix: string;
}

export interface Finding extends Look {
  readonly code: string;
}

export type Check = Readonly<{ code: string; look: () => Look | Promise<Look> }>;

export const pass = (sentence: string): Look => ({ state: 'PASS', sentence, fix: '' });
export const warn = (sentence: string, fix: string): Look => ({ state: 'WARN', sentence, fix });
export const fail = (sentence: string, fix: string): Look => ({ state: 'FAIL', sentence, fix });
export const skip = (sentence: string, fix: string): Look => ({ state: 'SKIP', sentence, fix });

/** Looks at everything in order; a check that throws has failed. */
export async function examine(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { code, look } of checks) {
    try {
      findings.push({ code, ...(await look()) });
    } catch (error) {
      const message = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
      const sentence = `${message} (${codeOf(error)}).`;
      findings.push({ code, ...fail(sentence, 'See the message; it names the file or address.') });
    }
  }
  return findings;
}

/** For people: one finding in one line. */
export function lineOf({ code, state, sentence, fix }: Finding): string {
  return `${state} ${code}  ${sentence}${fix === '' ? '' : ` → ${fix}`}`;
}

/** All findings in one sentence and one exit status: 2 if anything failed, 1 if anything warned, else 0. */
export function verdictOf(findings: readonly Finding[]): {
  readonly sentence: string;
  readonly exitCode: 0 | 1 | 2;
} {
  const count = (state: CheckState): number =>
    findings.filter((each) => each.state === state).length;
  const counts = `${count('PASS')} passed, ${count('WARN')} warned, ${count('FAIL')} failed, ${count('SKIP')} could not be looked at.`;
  return { sentence: counts, exitCode: count('FAIL') > 0 ? 2 : count('WARN') > 0 ? 1 : 0 };
}
