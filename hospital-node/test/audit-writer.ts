/** A child process that appends records to an audit log once its parent says so. */
import { once } from 'node:events';
import { openAuditLog } from '../src/audit/audit-log.js';

const [stateDir = '', by = '', count = '0'] = process.argv.slice(2);
const audit = openAuditLog({ stateDir, now: () => Date.now() });
process.send?.('ready');
await once(process, 'message');
for (let index = 0; index < Number(count); index++) {
  audit.append({ kind: 'exported', by, body: { index } });
}
process.disconnect();
