import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as grpc from '@grpc/grpc-js';
import { afterAll, describe, expect, it } from 'vitest';

import './quiet-shim.js';
import { startChaincodeServer } from '../src/chaincode-server.js';
import { codeHash } from '../src/code-hash.js';
import { loadServerConfig, parseServerConfig } from '../src/config.js';
import {
  createAuthority,
  issueServerCertificate,
} from '../src/embedded-peer/certificate-authority.js';

const VALID = { address: '127.0.0.1:0', chaincodeId: 'bhschain:1' };

describe('the server configuration', () => {
  const dir = mkdtempSync(join(tmpdir(), 'chaincode-config-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('has defaults for what it may lack', () => {
    expect(parseServerConfig(VALID)).toEqual({ ...VALID, metricsPort: 0, tls: null });
  });

  it.each([
    ['address', { address: 'somewhere' }],
    ['address', { address: '127.0.0.1:70000' }],
    ['address', { address: '0.0.0.0:9000' }], // without TLS
    ['chaincodeId', { chaincodeId: '' }],
    ['metricsPort', { metricsPort: '9000' }],
    ['metricsPort', { metricsPort: -1 }],
    ['tls', { tls: true }],
    ['tls.cert', { tls: { cert: '/nowhere', key: '/nowhere', clientCa: '/nowhere' } }],
    ['threshold', { threshold: 0.5 }],
  ])('a bad %s is named: %j', (key, change) => {
    const message = `ERR_SERVER_CONFIG: ${key}: got `;
    expect(() => parseServerConfig({ ...VALID, ...change })).toThrow(message);
  });

  it('a file that is not JSON is refused by its name', () => {
    const file = join(dir, 'broken.json');
    writeFileSync(file, '{');
    expect(() => loadServerConfig(file)).toThrow(`ERR_SERVER_CONFIG: ${file}`);
    expect(() => loadServerConfig(join(dir, 'none'))).toThrow('ERR_SERVER_CONFIG');
  });

  it('without a file the process says one line and exits with 2', async () => {
    const script = fileURLToPath(new URL('../dist/server.js', import.meta.url));
    const child = spawn(process.execPath, ['--no-deprecation', script], { stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(2);
    expect(JSON.parse(said)).toMatchObject({ code: 'ERR_SERVER_CONFIG' });
  });
});

describe('the chaincode server', () => {
  it('listens, serves metrics on loopback, and closes', async () => {
    const server = await startChaincodeServer(parseServerConfig(VALID));
    const metrics = `http://127.0.0.1:${server.metricsPort}/metrics`;
    expect(await (await fetch(metrics)).text()).toContain('guard_score_seconds');
    expect((await fetch(`${metrics}/other`)).status).toBe(404);
    expect(server.codeHash).toBe(codeHash());
    await server.close();
    await expect(fetch(metrics)).rejects.toThrow();
  });

  it('a port in use is a coded error', async () => {
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const config = parseServerConfig({ ...VALID, metricsPort: port });
    await expect(startChaincodeServer(config)).rejects.toThrow('ERR_SERVER_LISTEN');
    taken.close();
  });
});

describe('with TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'chaincode-tls-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const place = { commonName: 'peer', hosts: ['127.0.0.1'] };
  const authority = createAuthority({ mspId: 'chaincode TLS', nowMs: Date.now() });
  const own = issueServerCertificate(authority, place);
  const stranger = issueServerCertificate(
    createAuthority({ mspId: 'chaincode TLS', nowMs: Date.now() }),
    place,
  );

  /** What the server first says on the chaincode stream: its registration, or nothing. */
  function firstWord(address: string, credentials: grpc.ChannelCredentials): Promise<string> {
    const client = new grpc.Client(address, credentials);
    const plain = (bytes: Buffer): Buffer => bytes;
    return new Promise<string>((resolve, reject) => {
      const stream = client.makeBidiStreamRequest('/protos.Chaincode/Connect', plain, plain);
      stream.on('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
      stream.on('error', reject);
    }).finally(() => client.close());
  }

  it('serves the peer that shows a certificate of the CA, and nobody else', async () => {
    const files = {
      cert: own.certificatePem,
      key: own.privateKeyPem,
      clientCa: authority.certificatePem,
    };
    const tls = Object.fromEntries(
      Object.entries(files).map(([name, pem]) => {
        const file = join(dir, `${name}.pem`);
        writeFileSync(file, pem);
        return [name, file];
      }),
    );
    await using server = await startChaincodeServer(parseServerConfig({ ...VALID, tls }));
    const root = Buffer.from(authority.certificatePem);
    const ssl = (pair?: typeof own): grpc.ChannelCredentials =>
      pair === undefined
        ? grpc.credentials.createSsl(root)
        : grpc.credentials.createSsl(
            root,
            Buffer.from(pair.privateKeyPem),
            Buffer.from(pair.certificatePem),
          );
    expect(await firstWord(server.address, ssl(own))).toContain(VALID.chaincodeId);
    await expect(firstWord(server.address, ssl(stranger))).rejects.toThrow('UNAVAILABLE');
    await expect(firstWord(server.address, ssl())).rejects.toThrow('UNAVAILABLE');
    const clear = grpc.credentials.createInsecure();
    await expect(firstWord(server.address, clear)).rejects.toThrow('UNAVAILABLE');
  });
});
