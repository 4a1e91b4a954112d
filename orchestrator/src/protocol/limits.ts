/**
 * Limits of the wire that both sides know. The proto file states them too.
 * @module
 */

/** Levels that this build speaks: its own and the one before. */
export const PROTOCOL_LEVELS: readonly number[] = [1];

/** One message, with room for the envelope beside a full update. */
export const MESSAGE_BYTES_MAX: number = 1_048_576 + 65_536;

/** An update up to this size rides in the submission itself. */
export const INLINE_UPDATE_BYTES_MAX: number = 1_048_576;

export const CHUNK_BYTES: number = 262_144;

export const OBJECT_BYTES_MAX: number = 67_108_864;

/** Beyond this clock skew a call is refused; a node declines long before. */
export const CLOCK_SKEW_MAX_MS: number = 60_000;
