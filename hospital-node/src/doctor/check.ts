/**
 * One thing that the doctor looks at. Codes are never reused; a skip is never a pass.
 * @module
 */
export type CheckState = 'PASS' | 'WARN' | 'FAIL' | 'SKIP';

export interface Finding {
  readonly code: string;
  readonly state: CheckState;
  /** What was found. */
  readonly sentence: string;
  /** What to do; '' for a pass. */
  readonly fix: string;
}

/** `null` for the fix means that there is nothing to fix. */
export type Check = Readonly<{
  code: string;
  look: () => Omit<Finding, 'code'> | Promise<Omit<Finding, 'code'>>;
}>;

export const pass = (sentence: string): Omit<Finding, 'code'> => ({
  state: 'PASS',
  sentence,
  fix: '',
});
export const warn = (sentence: string, fix: string): Omit<Finding, 'code'> => ({
  state: 'WARN',
  sentence,
  fix,
});
export const fail = (sentence: string, fix: string): Omit<Finding, 'code'> => ({
  state: 'FAIL',
  sentence,
  fix,
});
export const skip = (sentence: string, fix: string): Omit<Finding, 'code'> => ({
  state: 'SKIP',
  sentence,
  fix,
});

/** Looks at everything in order; a check that throws has failed. */
export async function examine(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { code, look } of checks) {
    try {
      findings.push({ code, ...(await look()) });
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      findings.push({ code, ...fail(sentence, 'See the message; it names the file or address.') });
    }
  }
  return findings;
}
