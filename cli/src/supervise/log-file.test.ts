import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LogFile } from './log-file.ts';

const root = mkdtempSync(join(tmpdir(), 'log-file-'));
after(() => rmSync(root, { recursive: true }));

test('the log is kept within bounds, the file before it as .1', () => {
  const path = join(root, 'bounded.log');
  const log = new LogFile(path);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  for (let i = 0; i < 20; i++) log.write(chunk);
  log.close();
  assert.ok(statSync(path).size <= 8 * chunk.length);
  assert.ok(existsSync(`${path}.1`));
});

test('a log that cannot be written ends nobody; with room again it says how much was lost', (t) => {
  if (!existsSync('/dev/full')) return t.skip('/dev/full is not there');
  // The device that is always full (full(4)), and behind the second name a file.
  const folder = join(root, 'full');
  mkdirSync(folder);
  const path = join(folder, 'service.log');
  symlinkSync('/dev/full', path);
  const log = new LogFile(path);
  log.write(Buffer.from('lost'));
  log.write(Buffer.alloc(8 * 1024 * 1024 - 10));
  // Beyond the bound another file takes its place.
  log.write(Buffer.alloc(8 * 1024 * 1024 + 1, 'y'));
  log.close();
  const text = readFileSync(path, 'utf8');
  assert.match(text, /8388602 bytes of log were lost/);
  assert.ok(text.endsWith('yyy'));
});
