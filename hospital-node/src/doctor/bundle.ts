/**
 * What a hospital can hand to somebody who helps: findings and versions, with every name, address and path replaced.
 * @module
 */
import { arch, platform, release } from 'node:os';
import { kernelHash } from '@bhschain/models/kernel';
import type { NodeConfig } from '../config.js';
import { SOFTWARE } from '../parts/surroundings.js';
import { writeWhole } from '../store/durable-file.js';
import type { Finding } from './check.js';

export function writeBundle(
  file: string,
  o: {
    readonly findings: readonly Finding[];
    readonly config: NodeConfig | null;
    readonly nowMs: number;
  },
): void {
  const hide = redactorOf(o.config);
  const report = {
    kind: 'bhs-node-doctor',
    version: 1,
    at: new Date(o.nowMs).toISOString(),
    software: SOFTWARE,
    node: process.versions.node,
    platform: `${platform()} ${release()} ${arch()}`,
    kernelHash,
    findings: o.findings.map((each) => ({
      ...each,
      sentence: hide(each.sentence),
      fix: hide(each.fix),
    })),
  };
  writeWhole(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** Replaces the configuration's own words first, then whatever looks like a path, an address or a long digest. */
function redactorOf(config: NodeConfig | null): (text: string) => string {
  const words =
    config === null
      ? []
      : [
          config.nodeId,
          config.mspId,
          config.federation.id,
          config.federation.address,
          config.fabric.channel,
          config.fabric.chaincode,
          ...config.fabric.endpoints,
          config.http.host,
        ];
  const longestFirst = [...new Set(words)].sort((a, b) => b.length - a.length);
  return (text) => {
    let hidden = text;
    for (const word of longestFirst) hidden = hidden.replaceAll(word, '‹name›');
    return hidden
      .replace(/(?:\/[\w.@+~-]+)+/g, '‹path›')
      .replace(/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b/g, '‹address›')
      .replace(/\b[0-9A-Fa-f]{16,}\b/g, '‹digest›');
  };
}
