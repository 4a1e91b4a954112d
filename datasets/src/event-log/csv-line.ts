/**
 * One line of RFC 4180 CSV without line breaks inside fields.
 * @module
 */

/** The fields of a line, or null where quoting is broken. */
export function csvFields(line: string): string[] | null {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let field = '';
      for (;;) {
        const end = line.indexOf('"', at + 1);
        if (end < 0) return null;
        field += line.slice(at + 1, end);
        at = end + 1;
        if (line[at] !== '"') break;
        field += '"';
      }
      fields.push(field);
      if (at < line.length && line[at] !== ',') return null;
    } else {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      const field = line.slice(at, end);
      if (field.includes('"')) return null;
      fields.push(field);
      at = end;
    }
    if (at >= line.length) return fields;
    at++;
    if (at === line.length) return [...fields, ''];
  }
}
