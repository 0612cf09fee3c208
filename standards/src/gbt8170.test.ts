import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRounded, roundDecimal, roundToUnits } from './gbt8170.ts';

test('a tie goes to the even neighbour, anything beyond a tie goes up', () => {
  const samples: readonly (readonly [string, number, string])[] = [
    ['2.5', 0, '2'],
    ['3.5', 0, '4'],
    ['2.5000000000000000000000001', 0, '3'],
    ['-2.5', 0, '-2'],
    ['0.05', 1, '0.0'],
    ['-0.05', 1, '0.0'],
    ['1.0e-1', 3, '0.100'],
    ['12e2', -3, '1e3'],
    ['7', 2, '7.00'],
  ];
  for (const [text, digits, expected] of samples) assert.equal(formatRounded(text, digits), expected, text);
});

test('what is no decimal number is refused', () => {
  for (const text of ['', '.', '1,5', '0x10', 'NaN', 'Infinity', '1e99999', ' 1']) assert.throws(() => roundDecimal(text, 0), RangeError);
});

test('the way for doubles equals the way for texts, at every tie and its neighbouring doubles', () => {
  const bits = new DataView(new ArrayBuffer(8));
  const neighbours = (x: number): number[] => {
    bits.setFloat64(0, x);
    const n = bits.getBigInt64(0);
    return [n - 1n, n, n + 1n].map((m) => {
      bits.setBigInt64(0, m);
      return bits.getFloat64(0);
    });
  };
  for (const [scale, digits] of [
    [1, 0],
    [10, 1],
    [1000, 3],
  ] as const) {
    for (let tie = 1; tie < 40_001; tie += 2) {
      for (const x of [...neighbours(tie / (2 * scale)), ...neighbours((tie + 1) / (2 * scale))]) {
        assert.equal(roundToUnits(x, scale), Number(roundDecimal(`${x}`, digits)), `${x} by ${scale}`);
      }
    }
  }
  assert.ok(Number.isNaN(roundToUnits(Number.NaN, 10)));
  assert.equal(roundToUnits(-0.5, 1), 0);
  assert.equal(roundToUnits(-1.5, 1), -2);
});
