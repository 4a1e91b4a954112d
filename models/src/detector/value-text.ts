/**
 * A column's value for a reader: a yes instead of a 1, seconds instead of their logarithm. For people only; no decision
 * depends on it, so `Math` may do what it likes.
 * @module
 */

/** Text of a value in one of the units of the feature layout; an unknown unit is named after the number. */
export function valueText(value: number, unit: string): string {
  switch (unit) {
    case 'flag':
      return value >= 0.5 ? 'yes' : 'no';
    case 'log2':
      return String(Math.round(2 ** value));
    case 'log2 of 1/8 s':
      return durationText((2 ** value - 1) / 8);
    case 'log2 of a ratio':
      return `${significant(2 ** value)} times`;
    case 'share':
      return `${Math.round(100 * value)} %`;
    default:
      return `${significant(value)} ${unit}`;
  }
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${significant(Math.max(0, seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Two significant digits below ten, whole numbers above. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 10) return String(Math.round(value));
  return size < 0.095 ? value.toFixed(2) : value.toFixed(1);
}
