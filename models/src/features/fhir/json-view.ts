/**
 * Reading unknown JSON without trusting its shape: a field of the wrong kind reads as absent.
 * @module
 */

export type Json = Readonly<Record<string, unknown>>;

export function objectIn(value: unknown, name: string): Json | null {
  const field = (value as Json | null | undefined)?.[name];
  return typeof field === 'object' && field !== null && !Array.isArray(field)
    ? (field as Json)
    : null;
}

export function listIn(value: unknown, name: string): Json[] {
  const field = (value as Json | null | undefined)?.[name];
  if (!Array.isArray(field)) return [];
  return field.filter((entry): entry is Json => typeof entry === 'object' && entry !== null);
}

export function textIn(value: unknown, name: string): string | null {
  const field = (value as Json | null | undefined)?.[name];
  return typeof field === 'string' && field !== '' ? field : null;
}

/** Codes of CodeableConcepts in a list field. */
export function conceptCodes(value: unknown, name: string): string[] {
  return listIn(value, name).flatMap((concept) => codingCodes(concept, 'coding'));
}

/** Codes of Codings in a list field. */
export function codingCodes(value: unknown, name: string): string[] {
  return listIn(value, name).flatMap((coding) => textIn(coding, 'code') ?? []);
}
