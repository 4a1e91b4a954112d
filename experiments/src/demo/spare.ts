/**
 * `node experiments/dist/demo/spare.js --state .demo --out ../h4`: see {@link writeSpareHospital}.
 * @module
 */
import { parseArgs } from 'node:util';
import { writeSpareHospital } from './spare-hospital.js';

const { values } = parseArgs({
  options: { state: { type: 'string', default: '.demo' }, out: { type: 'string' } },
});
if (values.out === undefined) {
  console.error('--out: expected a folder for the hospital, got nothing');
  process.exit(64);
}
try {
  const { nodeId, configFile } = writeSpareHospital({ stateDir: values.state, out: values.out });
  console.log(`${nodeId}: log, staff, identities and its own half of ${configFile} are written.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
