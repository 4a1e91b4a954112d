/**
 * What this room refuses, by stable code. The table in README.md lists every code.
 * Features have their own class in `features/`.
 * @module
 */

/** Base of the room's errors: `code` is stable, `facts` name the argument, what came and what was expected. */
export class ModelsError extends Error {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(
    code: string,
    message: string,
    facts: Readonly<Record<string, string | number>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** A shape or a parameter vector that does not fit. */
export class ArchitectureError extends ModelsError {}

/** An argument of the kernel that is refused at the door. */
export class KernelError extends ModelsError {}

/** Bytes that are no detector, table or canary set, or a window that this detector cannot score. */
export class DetectorError extends ModelsError {}

/** A network in a foreign format that is not ours. */
export class InteropError extends ModelsError {}
