/**
 * Native JSONL, one file per hospital, and the truth in a file of its own.
 * @module
 */

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import type { Consortium } from './consortium.js';
import { selectedEvents, type LiveSelection } from './live-selection.js';

const CHUNK_LINES = 2_000;

export interface WrittenConsortium {
  readonly files: readonly Readonly<{ nodeId: string; file: string; eventCount: number }>[];
  readonly truthFile: string;
}

/** Writes events as JSON lines in constant memory and gives their number. */
export function writeEvents(file: string, events: Iterable<AccessEvent>): number {
  const descriptor = openSync(file, 'w');
  try {
    let eventCount = 0;
    let lines: string[] = [];
    for (const event of events) {
      lines.push(encodeAccessEvent(event));
      eventCount++;
      if (lines.length < CHUNK_LINES) continue;
      writeSync(descriptor, `${lines.join('\n')}\n`);
      lines = [];
    }
    if (lines.length > 0) writeSync(descriptor, `${lines.join('\n')}\n`);
    return eventCount;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes `logsDir/H1.jsonl` … and the truth. With a selection, the live part holds its sessions only.
 */
export function writeConsortium(
  consortium: Consortium,
  options: Readonly<{ logsDir: string; truthFile: string; live?: LiveSelection }>,
): WrittenConsortium {
  mkdirSync(options.logsDir, { recursive: true });
  const { live } = options;
  const files = consortium.hospitals.map((hospital) => {
    const file = join(options.logsDir, `${hospital.nodeId}.jsonl`);
    const events =
      live === undefined
        ? hospital.events()
        : selectedEvents(hospital, consortium.liveFromMs, live);
    return { nodeId: hospital.nodeId, file, eventCount: writeEvents(file, events) };
  });
  writeFileSync(
    options.truthFile,
    `${JSON.stringify({ formatVersion: 1, incidents: consortium.truth }, null, 1)}\n`,
  );
  return { files, truthFile: options.truthFile };
}
