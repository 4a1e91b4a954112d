/**
 * Source text of the generated modules, so that the study that makes them and the room that reads them agree.
 * @module
 */

/**
 * @param command - what makes the module anew, for its first line
 * @param constants - name of each exported constant and its bytes
 */
export function generatedModule(
  command: string,
  constants: Readonly<Record<string, Uint8Array>>,
): string {
  const parts = Object.entries(constants).map(([name, bytes]) => {
    const lines = base64Of(bytes).match(/.{1,120}/g) ?? [''];
    const quoted = lines.map((line) => `  '${line}',\n`).join('');
    return `\nexport const ${name}: string = [\n${quoted}].join('');\n`;
  });
  return `// Made by \`${command}\`. Do not edit.\n${parts.join('')}`;
}

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
