/**
 * The child that runs one seed: it gets a job, says what it does, and ends. Ctrl-C reaches the parent, which asks it to
 * stop after the round at hand.
 * @module
 */
import { runSeed, type Job } from './job.js';

let stopAsked = false;
const tell = (message: object): void => void process.send?.(message);

process.on('SIGINT', () => undefined);
process.on('disconnect', () => (stopAsked = true));
process.on('message', (message: { type: 'stop' } | { type: 'job'; job: Job }) => {
  if (message.type === 'stop') stopAsked = true;
  else void work(message.job);
});

async function work(job: Job): Promise<void> {
  const { state, folder } = await runSeed(job, {
    onStage: (report) => tell({ type: 'stage', report }),
    onLine: (line) => tell({ type: 'line', line }),
    stopAsked: () => stopAsked,
  });
  process.exitCode = state === 'ok' ? 0 : 1;
  process.send?.({ type: 'done', state, folder }, () => process.disconnect());
}
