// Builds the optional engine `@tensorflow/tfjs-node` without its own download, and tries it against the kernel.
//   npm run test:tfjs-node -w models
//
// Its install script fetches a TensorFlow library from a host of its own. Instead, this takes the library and the headers
// from TensorFlow's wheel on PyPI and compiles the add-on: Linux x64, Node 20 or 22 (not yet 24: tensorflow/tfjs#8609),
// g++, make, Python 3.10 to 3.13 with pip, and Node's headers (npm's `nodedir`, or node-gyp fetches them). About 1.5 GB in the
// user's cache folder; a second run finds everything there.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createKernel, initialParameters, preTrain } from '../dist/index.js';
import { openTfjsNode } from '../dist/interop/tfjs-node.js';

const ENGINE = '@tensorflow/tfjs-node';
const ENGINE_VERSION = '4.22.0';
const WHEEL = 'tensorflow-cpu==2.21.0';

const cache = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'bhschain',
  'tfjs-node',
);
const folder = join(cache, 'node_modules', ENGINE);
const library = join(cache, 'wheel', 'tensorflow');

const major = Number(process.versions.node.split('.')[0]);
if (process.platform !== 'linux' || process.arch !== 'x64' || major < 20 || major > 22) {
  console.error(
    `test:tfjs-node: skipped, needs Linux x64 and Node 20 or 22, this is ${process.platform} ${process.arch} and Node ${process.version}`,
  );
  process.exit(0);
}

function step(what, done, command, args, cwd = cache) {
  if (existsSync(done)) return;
  console.log(`${what} …`);
  execFileSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 20 * 60_000,
  });
}

function link(target, name) {
  const at = join(folder, 'deps', name);
  rmSync(at, { force: true });
  symlinkSync(target, at);
}

mkdirSync(cache, { recursive: true });
step(`npm: ${ENGINE} ${ENGINE_VERSION} without its scripts`, folder, 'npm', [
  ...['install', '--no-save', '--ignore-scripts', '--prefix', cache],
  `${ENGINE}@${ENGINE_VERSION}`,
]);
step(`pip: ${WHEEL}`, library, 'python3', [
  ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', join(cache, 'wheel')],
  WHEEL,
]);
mkdirSync(join(folder, 'deps', 'lib'), { recursive: true });
link(join(library, 'include'), 'include');
// The wheel's C++ library has the C interface in it.
for (const name of ['libtensorflow_cc.so.2', 'libtensorflow.so', 'libtensorflow.so.2.9.1']) {
  link(join(library, 'libtensorflow_cc.so.2'), join('lib', name));
}
for (const name of ['libtensorflow_framework.so', 'libtensorflow_framework.so.2']) {
  link(join(library, 'libtensorflow_framework.so.2'), join('lib', name));
}
step(
  'compiling the add-on',
  join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'),
  'npx',
  ['node-pre-gyp', 'install', '--build-from-source'],
  folder,
);

const architecture = {
  steps: 12,
  features: 16,
  hidden: 24,
  latent: 6,
  groups: [{ first: 9, size: 4 }],
};
let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const count = 64;
const windows = Float32Array.from({ length: count * 12 * 16 }, () => 4 * random() - 2);
for (let row = 0; row < windows.length; row += 16) {
  windows.fill(0, row + 9, row + 13);
  windows[row + 9 + Math.floor(4 * random())] = 1;
}
const lengths = Uint8Array.from({ length: count }, () => 1 + Math.floor(12 * random()));
const batch = { windows, lengths };
const start = initialParameters(architecture, random);

const load = () => Promise.resolve(createRequire(`${cache}/`)(ENGINE));
const engines = [createKernel(architecture), await openTfjsNode(architecture, load)];

const [ours, theirs] = engines.map((engine) => {
  engine.setParameters(start);
  const { gradient } = engine.gradient(batch);
  const residuals = engine.reconstruct(batch);
  const losses = [];
  state = 8;
  preTrain({
    kernel: engine,
    parameters: start.slice(),
    batch,
    steps: 50,
    windowsPerStep: 32,
    learningRate: 0.01,
    random,
    onStep: (_, loss) => losses.push(loss),
  });
  return { residuals, gradient, losses: Float64Array.from(losses) };
});

let failed = false;
for (const [name, bound] of [
  ['residuals', 1e-4],
  ['gradient', 1e-4],
  ['losses', 1e-3],
]) {
  const difference = relativeError(theirs[name], ours[name]);
  const ok = difference < bound;
  failed ||= !ok;
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${name}: ${difference.toExponential(1)} apart (at most ${bound})`,
  );
}
console.log(
  `loss over 50 steps of pre-training: ${ours.losses[0].toFixed(4)} to ${ours.losses[49].toFixed(4)} here, to ${theirs.losses[49].toFixed(4)} in TensorFlow`,
);
process.exitCode = failed ? 1 : 0;

/** Largest difference over largest value. */
function relativeError(got, expected) {
  let difference = 0;
  let size = 0;
  expected.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(got[i] - value));
    size = Math.max(size, Math.abs(value));
  });
  return difference / size;
}
