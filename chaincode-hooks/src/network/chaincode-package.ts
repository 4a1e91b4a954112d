/**
 * A chaincode package that says only "a service": the same bytes at every hospital, so one package id.
 *
 * A package id is the label and the SHA-256 of the file; it does not depend on the contract's code, which the peers never
 * see. Fixed times, owners and order make the file reproducible.
 * @module
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface ChaincodePackage {
  readonly bytes: Buffer;
  /** `label:sha256`, what a chaincode server must register as. */
  readonly id: string;
}

export function chaincodePackage(label: string): ChaincodePackage {
  const connection = Buffer.from('{}'); // each peer's builder puts its own in
  const bytes = gzipSync(
    tar([
      ['metadata.json', Buffer.from(JSON.stringify({ type: 'ccaas', label }))],
      ['code.tar.gz', gzipSync(tar([['connection.json', connection]]))],
    ]),
  );
  return { bytes, id: `${label}:${createHash('sha256').update(bytes).digest('hex')}` };
}

const BLOCK = 512;

/** USTAR (POSIX.1-1988): a header block a file, contents padded to blocks, two empty blocks at the end. */
function tar(files: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const parts = files.flatMap(([name, content]) => {
    const header = Buffer.alloc(BLOCK);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${octal(content.length, 11)}\0`, 124);
    header.write('00000000000\0', 136);
    header.write(' '.repeat(8), 148);
    header.write('0', 156);
    header.write('ustar\x0000', 257);
    const checksum = header.reduce((sum, byte) => sum + byte, 0);
    header.write(`${octal(checksum, 6)}\0 `, 148);
    return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width, '0');
}
