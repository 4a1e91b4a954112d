/** The search of a ledger's blocks for what must not be in them. */

/**
 * Looks a text up in all blocks: as it is, in hexadecimal, and in base64 wherever it begins in a longer value, line breaks
 * of a certificate's frame not counted. Answers with the form in which it shows, or null.
 */
export function searchIn(blocks: Iterable<Uint8Array>): (text: string) => string | null {
  const bytes = Buffer.concat([...blocks]).toString('latin1');
  const unbroken = bytes.replaceAll('\n', '');
  return (text) => {
    for (const [form, wanted] of formsOf(text)) {
      if (bytes.includes(wanted) || unbroken.includes(wanted)) return form;
    }
    return null;
  };
}

function* formsOf(text: string): Iterable<readonly [form: string, wanted: string]> {
  const bytes = Buffer.from(text);
  yield ['text', bytes.toString('latin1')];
  yield ['hexadecimal', bytes.toString('hex')];
  // A base64 digit holds six bits: only those that hold nothing of the neighbours are the same in every longer value.
  for (const before of [0, 1, 2]) {
    const digits = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const from = Math.ceil((8 * before) / 6);
    const to = Math.floor((8 * (before + bytes.length)) / 6);
    yield ['base64', digits.slice(from, to)];
  }
}
