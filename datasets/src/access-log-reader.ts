/**
 * Readers of access logs: native JSONL and FHIR R4 AuditEvent NDJSON, plain or gzip, streaming. Bad lines are counted by reason,
 * the first ones kept with their numbers, and skipped up to a stated share; an id that comes twice counts once.
 * @module
 */

import {
  createAuditEventMapper,
  decodeAccessEvent,
  FeatureError,
  type AccessEvent,
  type AuditEventOptions,
} from '@bhschain/models/features';
import { checkNumber } from './errors.js';
import type { MalformedLine } from './event-log/event-log.js';
import { createMalformedLines } from './malformed-lines.js';
import { linesOf } from './text-lines.js';

export interface AccessLogOptions extends AuditEventOptions {
  readonly format: 'native' | 'fhir';
  /** Default 0.01. */
  readonly malformedShareMax?: number;
}

export interface AccessLogCounts {
  readonly lines: number;
  readonly events: number;
  readonly malformedCount: number;
  /** Lines per faulty element. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first 20. */
  readonly malformed: readonly MalformedLine[];
  readonly duplicates: number;
  /** Events whose time lies before that of an event above. */
  readonly outOfOrder: number;
}

export interface AccessLog {
  /**
   * The events in the order of the file; to be read once.
   *
   * @throws {DatasetError} as `readEventLog`: `ERR_EVENT_LOG_MISSING`, `ERR_EVENT_LOG_GZIP`, `ERR_EVENT_LOG_MALFORMED`
   */
  events(): AsyncGenerator<AccessEvent>;
  /** What was seen so far. */
  counts(): AccessLogCounts;
}

export function openAccessLog(file: string, options: AccessLogOptions): AccessLog {
  const shareMax = checkNumber('malformedShareMax', options.malformedShareMax ?? 0.01, {
    least: 0,
    most: 1,
  });
  const parse = parserOf(options);
  const reasons: Record<string, number> = {};
  const malformed = createMalformedLines(file, shareMax);
  const seen = new Set<string>();
  const count = { lines: 0, events: 0, duplicates: 0, outOfOrder: 0 };
  let newestMs = 0;

  const reject = (line: number, fault: FeatureError | SyntaxError): void => {
    const reason = fault instanceof FeatureError ? fault.path : 'JSON';
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    malformed.add({ line, reason: fault.message }, count.lines);
  };
  return {
    counts: () => ({
      ...count,
      malformedCount: malformed.count,
      reasons: { ...reasons },
      malformed: malformed.kept,
    }),
    async *events() {
      let lineNumber = 0;
      for await (const line of linesOf(file)) {
        lineNumber++;
        if (line.trim() === '') continue;
        count.lines++;
        let events: readonly AccessEvent[];
        try {
          events = parse(line, BigInt(lineNumber));
        } catch (fault) {
          if (!(fault instanceof FeatureError) && !(fault instanceof SyntaxError)) throw fault;
          reject(lineNumber, fault);
          continue;
        }
        for (const event of events) {
          if (seen.has(event.eventId)) {
            count.duplicates++;
            continue;
          }
          seen.add(event.eventId);
          if (event.timeMs < newestMs) count.outOfOrder++;
          newestMs = Math.max(newestMs, event.timeMs);
          count.events++;
          yield event;
        }
      }
      malformed.judge(count.lines);
    },
  };
}

function parserOf(
  options: AccessLogOptions,
): (line: string, sequence: bigint) => readonly AccessEvent[] {
  if (options.format === 'native') return (line) => [decodeAccessEvent(JSON.parse(line))];
  const mapper = createAuditEventMapper(options);
  return (line, sequence) => mapper.map(JSON.parse(line), sequence);
}
