/** Limits of what both artefacts say of members. */

export const MEMBERS_MAX = 16;
export const NAME_LENGTH_MAX = 32;
export const MEMBER_NAME: RegExp = /^[a-z][a-z-]{0,31}$/;
