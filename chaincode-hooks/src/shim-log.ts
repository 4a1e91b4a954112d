/**
 * The shim's loggers, without the price of what they do not say: they format every line, a dozen a call, and throw away what
 * is below their level only afterwards. That was a tenth of a chaincode's processor time.
 *
 * Imported before the shim, which makes its loggers while it loads.
 * @module
 */
import './config.js'; // the level
import { createRequire } from 'node:module';

interface ShimLogger {
  isLevelEnabled(level: string): boolean;
  debug: () => void;
  info: () => void;
}

const require = createRequire(import.meta.url);
const shim = require('fabric-shim/lib/logger.js') as { getLogger: (name?: string) => ShimLogger };
const { getLogger } = shim;
const nothing = (): void => undefined;

shim.getLogger = (name) => {
  const logger = getLogger(name);
  for (const level of ['debug', 'info'] as const) {
    if (!logger.isLevelEnabled(level)) logger[level] = nothing;
  }
  return logger;
};
