export { openAuthority, type Authority, type IssuedIdentity } from './enrolment/authority.js';
export { provisionNode, writeIdentity } from './enrolment/provision.js';
