/**
 * The ledger process: `node dist/embedded-peer/main.js --config FILE`.
 *
 * Serves until SIGTERM or SIGINT, or until the process that forked it is gone; exits 0 after a clean close, 2 with one
 * JSON line on standard error if it cannot run.
 * @module
 */
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { loadLedgerConfig } from './config.js';
import { EmbeddedPeerError, LedgerConfigError } from './errors.js';
import { BANNER, createEmbeddedPeer, type EmbeddedPeer } from './peer.js';

const log = pino({ name: 'ledger' }, pino.destination({ dest: 2, sync: true }));

try {
  const peer = await createEmbeddedPeer({
    ...loadLedgerConfig(configFile()),
    nowMs: () => Date.now(),
    log,
  });
  process.stderr.write(`${BANNER}\n`);
  closeWhenAsked(peer);
  process.send?.({ type: 'ready', port: peer.port, height: peer.height() });
} catch (error) {
  if (!(error instanceof EmbeddedPeerError)) throw error;
  process.stderr.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
  process.exitCode = 2;
  if (process.connected) process.disconnect();
}

function configFile(): string {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } });
    if (values.config !== undefined) return values.config;
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new LedgerConfigError({ key: 'arguments', got, expected: '--config FILE', cause });
  }
  throw new LedgerConfigError({ key: '--config', got: 'nothing', expected: 'a file' });
}

function closeWhenAsked(peer: EmbeddedPeer): void {
  let closing = false;
  const close = (reason: string): void => {
    if (closing) return;
    closing = true;
    log.info({ reason }, 'closing');
    peer.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error: String(error) }, 'close failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => close('SIGTERM'));
  process.once('SIGINT', () => close('SIGINT'));
  if (process.send === undefined) return;
  if (process.connected) process.once('disconnect', () => close('parent gone'));
  else close('parent gone');
}
