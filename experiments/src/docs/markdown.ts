/** The few pieces of Markdown that references are made of. @module */

/** A table; `|` and line breaks in cells are taken care of. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

export const fenced = (text: string, language = 'text'): string =>
  `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** The first lines of every page that nobody writes by hand. */
export function generatedPage(title: string, from: string, body: readonly string[]): string {
  return [
    `# ${title}`,
    `_Generated from ${from}; \`npm run docs\` writes it anew, a test compares._`,
    ...body,
    '',
  ].join('\n\n');
}
