import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultyDisk } from '../journal/faulty-disk.ts';
import { StorageHealth } from '../storage/storage-health.ts';
import { SaltKeys } from './salt-keys.ts';
import { SaltStream } from './salt-stream.ts';

const root = mkdtempSync(join(tmpdir(), 'salts-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const newDir = (): string => join(root, String(folders++), 'salts');
const NOON = Date.UTC(2026, 10, 22, 12);
const DAY = '2026-11-22';
const now = (): number => NOON;
const saltsAt = (stream: SaltStream | undefined, position = 7): string | undefined => stream?.saltsOf(position, 8).toString('hex');

test('salts are the AES-256-CTR key stream from the position on', () => {
  const key = randomBytes(32);
  const stream = new SaltStream(key);
  for (const position of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(BigInt(position), 0);
    for (const leaves of [8, 16, 1024]) {
      const wanted = createCipheriv('aes-256-ctr', key, counter).update(Buffer.alloc(leaves * 16));
      assert.ok(stream.saltsOf(position, leaves).equals(wanted), `${position}, ${leaves}`);
    }
  }
});

test('one key for a producer and day, another for each other; all are found again after a restart', async () => {
  const dir = newDir();
  const keys = SaltKeys.open(dir, { now });
  const made = new Map<string, string | undefined>();
  for (const [producer, receivedAt, position] of [
    ['a', NOON, 5],
    ['b', NOON, 6],
    ['a', NOON + 86_400_000, 7],
  ] as const)
    made.set(`${producer} ${receivedAt} ${position}`, saltsAt(keys.streamFor(producer, receivedAt, position, 0)));
  assert.equal(saltsAt(keys.streamFor('a', NOON + 1, 8, 0)), made.get(`a ${NOON} 5`));
  assert.equal(new Set(made.values()).size, 3);
  await keys.flush();
  assert.equal(keys.hasPending, false);
  const again = SaltKeys.open(dir, { now });
  for (const [name, salts] of made) {
    const [producer = '', receivedAt, position] = name.split(' ');
    assert.equal(saltsAt(again.streamOf(producer, Number(receivedAt), Number(position))), salts, name);
  }
  assert.equal(again.streamOf('a', NOON, 4), undefined, 'before its first record');
  assert.equal(again.streamOf('c', NOON, 9), undefined);
});

test('no salt is used twice: after a crash the same positions get another key, and earlier records keep theirs', async () => {
  const dir = newDir();
  const first = SaltKeys.open(dir, { now });
  const lost = saltsAt(first.streamFor('a', NOON, 100, 0));
  await first.flush();
  // Records from 90 on were not durable: the journal goes on there.
  const second = SaltKeys.open(dir, { now });
  const used = saltsAt(second.streamFor('a', NOON, 90, 0));
  await second.flush();
  assert.notEqual(used, lost);
  const third = SaltKeys.open(dir, { now });
  for (const position of [90, 100, 1000]) assert.equal(saltsAt(third.streamOf('a', NOON, position)), used, `${position}`);
});

test('a line that a crash cut short is no key, and the next key stands whole behind what was there', async () => {
  const dir = newDir();
  const keys = SaltKeys.open(dir, { now });
  const salts = saltsAt(keys.streamFor('a', NOON, 1, 0));
  await keys.flush();
  const file = join(dir, `${DAY}.keys`);
  for (const torn of ['{', '{"producer":"b","from":3,"key":"AAAA"}']) {
    appendFileSync(file, torn);
    const again = SaltKeys.open(dir, { now });
    assert.equal(saltsAt(again.streamOf('a', NOON, 2)), salts);
    assert.equal(again.streamOf('b', NOON, 4), undefined);
    const other = saltsAt(again.streamFor('b', NOON, 5, 0));
    await again.flush();
    assert.equal(saltsAt(SaltKeys.open(dir, { now }).streamOf('b', NOON, 6)), other);
  }
});

test('while the disk is full a flush goes on trying, and tells', async () => {
  const faults: string[] = [];
  const health = new StorageHealth({ onFault: ({ detail }) => faults.push(detail), onCleared: () => faults.push('cleared') });
  const disk = new FaultyDisk();
  disk.errno = 'ENOSPC';
  disk.leavesBytes = 20;
  const dir = newDir();
  const keys = SaltKeys.open(dir, { now, disk, health });
  const salts = saltsAt(keys.streamFor('a', NOON, 1, 0));
  const flushed = keys.flush();
  while (disk.failed === 0) await delay(5);
  disk.errno = undefined;
  await flushed;
  assert.deepEqual([faults[0], faults.at(-1)], ['salts: ENOSPC', 'cleared']);
  assert.equal(saltsAt(SaltKeys.open(dir, { now }).streamOf('a', NOON, 1)), salts);
});

test('what is destroyed is gone from the disk; others, and what comes later, stay', async () => {
  const dir = newDir();
  const keys = SaltKeys.open(dir, { now });
  keys.streamFor('a', NOON, 10, 0);
  const neighbour = saltsAt(keys.streamFor('b', NOON, 11, 0));
  await keys.flush();
  const file = join(dir, `${DAY}.keys`);
  const wrapped = JSON.parse(readFileSync(file, 'utf8').split('\n')[0] as string).key;
  keys.retire('a', DAY);
  const later = saltsAt(keys.streamFor('a', NOON, 20, 0));
  await keys.flush();
  assert.deepEqual(keys.placesOf('a', DAY, 20), [10]);
  assert.equal(keys.destroy('a', DAY, 20), 1);
  assert.equal(keys.destroy('a', DAY, 20), 0);
  assert.equal(keys.streamOf('a', NOON, 15), undefined);
  assert.equal(saltsAt(keys.streamOf('b', NOON, 15)), neighbour);
  assert.equal(saltsAt(keys.streamOf('a', NOON, 25)), later);
  for (const name of readdirSync(dir)) assert.ok(!readFileSync(join(dir, name), 'utf8').includes(wrapped), name);
});

test('of a day that is over each segment has a key of its own, so keys tell where its records are', () => {
  let time = NOON;
  const keys = SaltKeys.open(newDir(), { now: () => time });
  const today = saltsAt(keys.streamFor('a', NOON, 1, 0));
  assert.equal(saltsAt(keys.streamFor('a', NOON, 500, 400)), today);
  time += 86_400_000;
  const late = saltsAt(keys.streamFor('a', NOON, 900, 800));
  assert.notEqual(late, today);
  assert.equal(saltsAt(keys.streamFor('a', NOON, 901, 800)), late);
  assert.notEqual(saltsAt(keys.streamFor('a', NOON, 1300, 1200)), late);
});

test('a changed key, one of another producer or day, and a missing master key are found', async () => {
  const dir = newDir();
  const keys = SaltKeys.open(dir, { now });
  keys.streamFor('a', NOON, 1, 0);
  await keys.flush();
  const file = join(dir, `${DAY}.keys`);
  const line = readFileSync(file, 'utf8');
  const unreadable = { code: 'SALTS_UNREADABLE' };
  for (const changed of [line.replace('"a"', '"z"'), line.replace('"from":1', '"from":0'), line.replace(/"key":"./, '"key":"!')]) {
    writeFileSync(file, changed);
    const producer = changed.includes('"z"') ? 'z' : 'a';
    assert.throws(() => SaltKeys.open(dir, { now }).streamOf(producer, NOON, 1), unreadable, changed);
  }
  writeFileSync(file, 'no key\n');
  assert.throws(() => SaltKeys.open(dir, { now }).streamOf('a', NOON, 1), unreadable);
  rmSync(join(dir, 'master.key'));
  assert.throws(() => SaltKeys.open(dir, { now }), unreadable);
});
