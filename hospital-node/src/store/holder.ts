/**
 * The process that holds a state directory or a database, for the sentence that the second one prints.
 * @module
 */
export interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When it started, in epoch milliseconds. */
  readonly sinceMs: number;
}

/** A lock as somebody else finds it. */
export interface LockState {
  readonly held: boolean;
  /** Null if nobody holds it, or if who does cannot be read just now. */
  readonly holder: Holder | null;
}

export function holderWords(holder: Holder | null): string {
  if (holder === null) return 'another process';
  const { host, pid, sinceMs } = holder;
  return `process ${pid} on host ${host} since ${new Date(sinceMs).toISOString()}`;
}
