/**
 * All steps of the node's database, in the order in which they are applied for ever. New steps go at the end.
 * @module
 */
import { accessLogSchema } from '../access-log/schema.js';
import { fabricSchema } from '../fabric/schema.js';
import {
  deskSchema,
  precedentSchema,
  queueSchema,
  reportedTimeSchema,
  reviewSchema,
  searchSchema,
  signInFailureSchema,
  signInSchema,
  suppressionApprovalSchema,
  traitSchema,
} from '../review/schema.js';
import { ledgerDaySchema, secondLineSchema } from '../second-line/schema.js';
import type { Migration } from './migration.js';

export const MIGRATIONS: readonly Migration[] = [
  accessLogSchema,
  fabricSchema,
  reviewSchema,
  signInFailureSchema,
  queueSchema,
  precedentSchema,
  signInSchema,
  searchSchema,
  deskSchema,
  secondLineSchema,
  traitSchema,
  ledgerDaySchema,
  reportedTimeSchema,
  suppressionApprovalSchema,
];
