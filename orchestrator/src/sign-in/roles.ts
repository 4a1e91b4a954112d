/**
 * The two kinds of people who act on the dashboard. Reading takes neither.
 *
 * | role           | is                                                                                   |
 * |----------------|--------------------------------------------------------------------------------------|
 * | operator       | of the ordering organisation: approves enrolments, pauses rounds, and all of the below |
 * | hospital-admin | of a member: says signed words and casts votes, each with the key of the own hospital  |
 *
 * What a signed word or a vote counts for is decided by its certificate, never by the role.
 * @module
 */
export const OPERATOR_ROLES = ['operator', 'hospital-admin'] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];
