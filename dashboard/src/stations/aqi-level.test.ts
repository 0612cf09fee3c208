import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AQI_LEVELS, levelColour, levelOf } from './aqi-level.ts';

/** WCAG 2.2 relative luminance and contrast. */
function luminance(hex: string): number {
  const channel = (at: number) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('HJ 633 ranges, ends included', () => {
  const levels = [0, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500, 620].map((aqi) => levelOf(aqi)?.level);
  assert.deepEqual(levels, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6]);
  assert.equal(levelOf(null), null);
  assert.equal(levelOf(undefined), null);
});

test('official colours are those of HJ 633-2026 table A.1', () => {
  assert.deepEqual(
    AQI_LEVELS.map(({ official }) => official.fill),
    ['#00e400', '#ffff00', '#ff7e00', '#ff0000', '#99004c', '#7e0023'],
  );
});

test('every level has a shape of its own, and text on it reads (WCAG AA)', () => {
  assert.equal(new Set(AQI_LEVELS.map(({ shape }) => shape)).size, AQI_LEVELS.length);
  for (const palette of ['official', 'friendly'] as const) {
    for (const level of AQI_LEVELS) {
      const { fill, text } = levelColour(level, palette);
      assert.ok(contrast(fill, text) >= 4.5, `${palette} ${level.level}: ${contrast(fill, text).toFixed(2)}`);
    }
  }
});

test('the friendly palette darkens from level to level, so it reads without hue', () => {
  const light = AQI_LEVELS.map(({ friendly }) => luminance(friendly.fill));
  light.slice(1).forEach((value, index) => {
    assert.ok(value < (light[index] ?? 0) * 0.8, `level ${index + 2}`);
  });
});

test('text colours of both themes read on every surface they stand on (WCAG AA)', () => {
  const css = readFileSync(join(import.meta.dirname, '../ui/tokens.css'), 'utf8');
  const themes = css.split(':root[data-theme="dark"]');
  assert.equal(themes.length, 2);
  const tokensOf = (text: string) =>
    new Map([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', hex = '']) => [name, hex]));
  for (const theme of themes) {
    const tokens = tokensOf(theme);
    const check = (ink: string, surface: string, least = 4.5) => {
      const ratio = contrast(tokens.get(ink) ?? '#000000', tokens.get(surface) ?? '#000000');
      assert.ok(ratio >= least, `${ink} on ${surface}: ${ratio.toFixed(2)}`);
    };
    for (const surface of ['canvas', 'surface', 'surface-2']) {
      for (const ink of ['ink', 'ink-2', 'ink-3', 'accent', 'good', 'warn', 'bad', 'info']) check(ink, surface);
      for (const series of [1, 2, 3, 4, 5, 6]) check(`series-${series}`, surface, 3);
    }
    for (const tone of ['good', 'warn', 'bad', 'info', 'accent']) check(tone, `${tone}-soft`);
    for (const ink of ['ink', 'ink-2']) check(ink, 'surface-3');
    check('accent-ink', 'accent');
    check('bad-ink', 'bad');
  }
});
