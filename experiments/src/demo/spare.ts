/**
 * `node experiments/dist/demo/spare.js --state .demo --out ../h4`, on real Fabric with `--organisation DIR --gateway
 * HOST:PORT`: see {@link writeSpareHospital}.
 * @module
 */
import { parseArgs } from 'node:util';
import { writeSpareHospital } from './spare-hospital.js';

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: '.demo' },
    out: { type: 'string' },
    organisation: { type: 'string' },
    gateway: { type: 'string' },
  },
});
const { state, out, organisation: dir, gateway } = values;
if (out === undefined) {
  console.error('--out: expected a folder for the hospital, got nothing');
  process.exit(64);
}
if ((dir === undefined) !== (gateway === undefined)) {
  console.error('--organisation, --gateway: expected both (real Fabric) or neither, got one');
  process.exit(64);
}
try {
  const organisation = dir === undefined || gateway === undefined ? null : { dir, gateway };
  const { nodeId, configFile } = writeSpareHospital({ stateDir: state, out, organisation });
  console.log(`${nodeId}: log, staff, identities and its own half of ${configFile} are written.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
