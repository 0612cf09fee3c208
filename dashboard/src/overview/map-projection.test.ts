import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded, FITTED, fitProjection, nearest, nextInDirection, scaleBar, toScreen, ZOOM_MAX, zoomAt } from './map-projection.ts';

const size = { width: 800, height: 600 };
const beijing = { lat: 39.9, lon: 116.4 };
const handan = { lat: 36.6, lon: 114.5 };
const tangshan = { lat: 39.6, lon: 118.2 };

test('all places lie on the screen, north up, east right', () => {
  const projection = fitProjection([beijing, handan, tangshan], size);
  const at = [beijing, handan, tangshan].map((place) => toScreen(projection, FITTED, place));
  for (const { x, y } of at) assert.ok(x >= 40 && x <= 760 && y >= 40 && y <= 560);
  assert.ok((at[0]?.y ?? 0) < (at[1]?.y ?? 0));
  assert.ok((at[0]?.x ?? 0) < (at[2]?.x ?? 0));
});

test('without places the region is shown', () => {
  const { x, y } = toScreen(fitProjection([], size), FITTED, beijing);
  assert.ok(x > 0 && x < 800 && y > 0 && y < 600);
});

test('zooming keeps the point under the pointer and its bounds', () => {
  const at = { x: 200, y: 150 };
  const view = zoomAt(FITTED, 2, at, size);
  assert.equal((at.x - view.x) / view.k, at.x);
  assert.equal(zoomAt(FITTED, 1000, at, size).k, ZOOM_MAX);
  assert.deepEqual(bounded({ k: 1, x: 9999, y: -9999 }, size), { k: 1, x: 640, y: -480 });
});

test('arrow keys go to the nearest mark in that direction', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 1 },
    { x: 30, y: 0 },
    { x: 0, y: 20 },
  ];
  assert.equal(nextInDirection(points, 0, 'right'), 1);
  assert.equal(nextInDirection(points, 1, 'right'), 2);
  assert.equal(nextInDirection(points, 0, 'down'), 3);
  assert.equal(nextInDirection(points, 0, 'left'), 0, 'nothing there: stay');
  assert.equal(nextInDirection(points, -1, 'up'), 0, 'nothing chosen: the first');
  assert.equal(nextInDirection([], -1, 'up'), -1);
});

test('the mark under the pointer, within reach', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
  ];
  assert.equal(nearest(points, { x: 7, y: 0 }, 14), 1);
  assert.equal(nearest(points, { x: 100, y: 0 }, 14), -1);
});

test('the scale bar is a round length that fits', () => {
  const projection = fitProjection([beijing, handan, tangshan], size);
  const { km, px } = scaleBar(projection, FITTED, size, 110);
  assert.ok(px > 20 && px <= 110);
  assert.match(String(km), /^[125]0*$/);
  // Beijing to Tangshan is 158 km.
  const [a, b] = [beijing, tangshan].map((place) => toScreen(projection, FITTED, place));
  const distance = (Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0)) / px) * km;
  assert.ok(Math.abs(distance - 158) < 8, `${distance} km`);
});
