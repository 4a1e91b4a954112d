import { expect, it } from 'vitest';
import { valueText } from '../src/detector/value-text.js';
import { LAYOUT } from '../src/features/index.js';

it.each([
  [1, 'flag', 'yes'],
  [0.02, 'flag', 'no'],
  [3.17, 'log2', '9'],
  [0, 'log2 of 1/8 s', '0 s'],
  [8.117, 'log2 of 1/8 s', '35 s'],
  [12, 'log2 of 1/8 s', '9 min'],
  [16, 'log2 of 1/8 s', '2 h'],
  [22, 'log2 of 1/8 s', '6 days'],
  [4.29, 'log2 of a ratio', '20 times'],
  [-0.14, 'log2 of a ratio', '0.9 times'],
  [0.426, 'share', '43 %'],
  [10.87, 'bits', '11 bits'],
  [-0.52, 'bits', '-0.5 bits'],
  [41, 'records', '41 records'],
])('%s %s reads %s', (value, unit, text) => {
  expect(valueText(value, unit)).toBe(text);
});

it('every unit of the layout reads as something with a number, or a yes or no', () => {
  for (const { unit } of LAYOUT.columns) expect(valueText(1, unit)).toMatch(/^\d|^yes$/);
});
