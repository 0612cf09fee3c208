/** What has no place in any file: leftovers, the machine it was written on, tests that do not run, names that accept anything. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { files, read, sources, texts } from './tree.ts';

/** This file names what it forbids. */
const self = 'tests/tidy/text.test.ts';

function placesOf(pattern: RegExp, among: readonly string[] = texts): string[] {
  const places: string[] = [];
  for (const path of among) {
    if (path === self) continue;
    for (const [at, line] of read(path).split('\n').entries()) if (pattern.test(line)) places.push(`${path}:${at + 1}: ${line.trim()}`);
  }
  return places;
}

test('nothing is left to do', () => {
  assert.deepEqual(placesOf(/\b(TODO|FIXME|XXX|HACK)\b|\b[Nn]ot implemented\b/), []);
});

test('no path of a machine and no registry host', () => {
  const machine = /(^|[^\w.])\/(work|root|home|Users|tmp)\/\w/;
  const registry = /registry\.(npm|yarn)|npmmirror|\bartifactory\b|deb\.debian/;
  assert.deepEqual(placesOf(machine), []);
  assert.deepEqual(
    placesOf(
      registry,
      files.filter((path) => texts.includes(path) || path === 'pnpm-lock.yaml'),
    ),
    [],
  );
});

test('every test runs: none is skipped for good, none excludes the others', () => {
  const tests = sources.filter((path) => path.endsWith('.test.ts'));
  assert.ok(tests.length > 0);
  assert.deepEqual(placesOf(/\b(test|it|describe|suite)\.(only|skip|todo)\b|\b(skip|only|todo): *true\b|\bt\.todo\(/, tests), []);
});

test('no file or folder has a name that accepts anything', () => {
  const vague = /^(utils?|helpers?|common|misc|types|manager|shared|stuff|tools?)$/;
  const parts = (path: string) => [...path.split('/').slice(0, -1), basename(path).replace(/\..*$/, '')];
  const wrong = files.filter((path) => parts(path).some((part) => vague.test(part.toLowerCase())));
  assert.deepEqual(wrong, []);
});

test('only an entry file ends the process', () => {
  // parent-watch.ts is preloaded into the services, hung-file.ts into the tests: entries too.
  const among = sources.filter((path) => !/(^|\/)(main|parent-watch|hung-file)\.ts$|\.test\.ts$/.test(path));
  assert.deepEqual(placesOf(/\bprocess\.exit\(/, among), []);
});

test('a comment is no banner', () => {
  assert.deepEqual(placesOf(/^\s*(\/\/|\*|#)\s*[-=*#─═]{6,}/, [...sources, '.ci/run']), []);
});
