import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chaincodePackage } from '../../src/network/chaincode-package.js';

describe('a chaincode package', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'chaincode-package-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('is the same bytes every time, and its id says which', () => {
    const [left, right] = [chaincodePackage('bhschain'), chaincodePackage('bhschain')];
    expect(left.bytes.equals(right.bytes)).toBe(true);
    const hash = createHash('sha256').update(left.bytes).digest('hex');
    expect(left.id).toBe(`bhschain:${hash}`);
    expect(chaincodePackage('other').id).not.toContain(hash);
  });

  it('is what tar reads: a service, and no code', () => {
    writeFileSync(join(dir, 'p.tgz'), chaincodePackage('bhschain').bytes);
    execFileSync('tar', ['-xzf', 'p.tgz'], { cwd: dir });
    expect(JSON.parse(readFileSync(join(dir, 'metadata.json'), 'utf8'))).toEqual({
      type: 'ccaas',
      label: 'bhschain',
    });
    const inside = execFileSync('tar', ['-tzf', 'code.tar.gz'], { cwd: dir, encoding: 'utf8' });
    expect(inside.trim()).toBe('connection.json');
  });
});
