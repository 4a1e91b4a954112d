/**
 * The process side of `bhs-dp`.
 * @module
 */
import { readFileSync } from 'node:fs';
import { runCommandLine } from './command-line.js';
import { FileReadError } from './errors.js';

const result = runCommandLine(process.argv.slice(2), {
  readFile(path) {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new FileReadError(path, cause);
    }
  },
});
process.stdout.write(result.stdout);
process.stderr.write(result.stderr);
process.exitCode = result.exitCode;
