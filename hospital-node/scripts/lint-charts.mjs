// `npm run lint:charts -w hospital-node`: helm's own lint and a rendering, which must be YAML of the kinds we mean.
// Takes the `helm` on the path; else builds the pinned one from its Go module (minutes, once), with a time limit.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const HELM_VERSION = 'v3.22.0';
const BUILD_MS = 20 * 60_000;
const ROOMS = ['hospital-node', 'orchestrator'];
const root = fileURLToPath(new URL('../../', import.meta.url));

function helm() {
  if (spawnSync('helm', ['version', '--short']).error === undefined) return 'helm';
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'bhschain', `helm-${HELM_VERSION}`);
  const binary = join(folder, 'helm');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    console.error(`no helm on the path: building ${HELM_VERSION} from its Go module`);
    const built = spawnSync('go', ['install', `helm.sh/helm/v3/cmd/helm@${HELM_VERSION}`], {
      stdio: 'inherit',
      timeout: BUILD_MS,
      env: { ...process.env, GOBIN: folder },
    });
    if (built.status !== 0) throw new Error('helm could not be built; is Go there, and its proxy?');
  }
  return binary;
}

const program = helm();
const run = (...args) => execFileSync(program, args, { encoding: 'utf8' });
const charts = ROOMS.map((room) => join(root, room, 'deploy', 'helm'))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
for (const chart of charts) {
  process.stdout.write(run('lint', '--strict', chart));
  const rendered = run('template', 'h4', chart, '--kube-version', '1.30.0');
  const kinds = rendered
    .split(/^---$/m)
    .map((text) => parse(text))
    .filter((manifest) => manifest !== null)
    .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  console.log(`${chart}: ${kinds.join(', ')}`);
}
