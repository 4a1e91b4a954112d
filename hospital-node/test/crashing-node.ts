/** A child process: one round, killed with SIGKILL from within at the step named on the command line ('none': finishes). */
import { roundBench } from './round-bench.js';

const [folder = '', step = 'none', insists = ''] = process.argv.slice(2);
const bench = await roundBench(folder, {
  paper: { insists: insists === 'insists', sealed: true },
  onStep: (reached) => {
    if (reached === step) process.kill(process.pid, 'SIGKILL');
  },
});
const { signal } = new AbortController();
await bench.agent.poll(signal);
// The second poll of a finished round looks up what became of it.
await bench.agent.poll(signal);
await bench.close();
process.exit(0);
