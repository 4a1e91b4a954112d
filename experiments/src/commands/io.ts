export interface CommandIo {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void;
  /** Standard error: how it goes. */
  readonly talk: (line: string) => void;
}
