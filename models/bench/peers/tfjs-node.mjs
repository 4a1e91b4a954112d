// The network on tfjs-node, one step at a time: as steps.py, which says what comes and goes. Argument: the package's file.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { createAdam, layoutOf } from '../../dist/index.js';
import { createTensorFlowEngine } from '../../dist/interop/tensorflow.js';

const tf = createRequire(import.meta.url)(process.argv[2]);
const tasks = {};
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function prepare({ steps, features, hidden, latent, batch: count }) {
  const architecture = { steps, features, hidden, latent };
  const engine = createTensorFlowEngine(tf, architecture);
  const parameters = new Float32Array(layoutOf(architecture).parameterCount).fill(0.01);
  engine.setParameters(parameters);
  const batch = {
    windows: new Float32Array(count * steps * features).fill(0.5),
    lengths: new Uint8Array(count).fill(steps),
  };
  const adam = createAdam(parameters.length);
  tasks['tfjs-node plain'] = () => {
    adam.step(parameters, engine.gradient(batch).gradient, 1e-6);
    engine.setParameters(parameters);
  };
  tasks['tfjs-node scoring'] = () => engine.losses(batch);
  answer(Object.keys(tasks));
}

let prepared = false;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (!prepared) {
    prepare(message);
    prepared = true;
    continue;
  }
  const start = performance.now();
  tasks[message.task]();
  answer(performance.now() - start);
}
