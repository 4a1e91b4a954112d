/**
 * A vitest reporter that writes what failed, and why, in few lines: the tests, the hooks of suites, the files that do
 * not load. vitest's own JSON leaves the hooks' reasons out, and its terminal report is too long for the end of a log.
 */
import { writeFileSync } from 'node:fs';

const LINES_EACH_WAY = 5;
const LINE_CHARS = 300;

export default class FailedTests {
  constructor({ file }) {
    this.file = file;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const failures = modules.flatMap((module) => [
      ...reasonsOf(module.relativeModuleId, module.errors()),
      ...[...module.children.allSuites()].flatMap((suite) =>
        reasonsOf(`${module.relativeModuleId}: ${suite.fullName}`, suite.errors()),
      ),
      ...[...module.children.allTests('failed')].flatMap((test) =>
        reasonsOf(`${module.relativeModuleId}: ${test.fullName}`, test.result().errors ?? []),
      ),
    ]);
    writeFileSync(
      this.file,
      [...failures, ...reasonsOf('outside any test', unhandledErrors)].join(''),
    );
  }
}

function reasonsOf(where, errors) {
  return errors.map((error) => {
    const lines = String(error.message).split('\n');
    const shown =
      lines.length <= 2 * LINES_EACH_WAY
        ? lines
        : [...lines.slice(0, LINES_EACH_WAY), '…', ...lines.slice(-LINES_EACH_WAY)];
    return `  ${where}\n${shown.map((line) => `    ${line.slice(0, LINE_CHARS)}\n`).join('')}`;
  });
}
