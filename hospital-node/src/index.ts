export {
  addPerson,
  PERSON_ROLES,
  type NewPerson,
  type Person,
  type PersonRole,
} from './review/people.js';
