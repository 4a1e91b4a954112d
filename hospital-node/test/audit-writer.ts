/** A child process that appends records to an audit log. */
import { openAuditLog } from '../src/audit/audit-log.js';

const [stateDir = '', by = '', count = '0'] = process.argv.slice(2);
const audit = openAuditLog({ stateDir, now: () => Date.now() });
for (let index = 0; index < Number(count); index++) {
  audit.append({ kind: 'exported', by, body: { index } });
}
