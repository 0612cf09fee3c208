/**
 * The wrapped keys of one UTC day, `keys/salts/YYYY-MM-DD.keys`, a line of JSON each. Lines are only ever added at the end;
 * to take one away the file is written anew, and what was the old one is overwritten with zeros.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError } from '@airtight/protocol';
import type { Disk } from '../journal/disk.ts';
import type { WrappedKey } from './wrapped-key.ts';

const MODE = 0o600;

export function keyFilePath(dir: string, day: string): string {
  return join(dir, `${day}.keys`);
}

/**
 * The keys of a day in the order in which they were made; a line that a crash cut short, for which no record can be there,
 * is left out.
 * @throws AirtightError SALTS_UNREADABLE
 */
export function readKeyFile(dir: string, day: string): WrappedKey[] {
  const path = keyFilePath(dir, day);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'latin1').split('\n');
  lines.pop();
  return lines.map((line, at) => {
    try {
      return JSON.parse(line) as WrappedKey;
    } catch {
      throw new AirtightError('SALTS_UNREADABLE', `${path}, line ${at + 1}`);
    }
  });
}

/** Adds keys, durably. @throws what the disk throws; whatever a failed call left is cut off by the next */
export function appendKeys(dir: string, day: string, keys: readonly WrappedKey[], disk: Disk): void {
  const path = keyFilePath(dir, day);
  const isNew = !existsSync(path);
  const fd = disk.open(path, isNew ? 'w+' : 'r+', MODE);
  try {
    const end = isNew ? 0 : disk.read(path).lastIndexOf(0x0a) + 1;
    disk.truncate(fd, end);
    const bytes = Buffer.from(keys.map((key) => `${JSON.stringify(key)}\n`).join(''), 'latin1');
    for (let from = 0; from < bytes.length; ) from += disk.writeNow(fd, bytes, from, bytes.length - from, end + from);
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
  if (isNew) syncFolder(dir);
}

/** Takes keys away for good. @returns how many */
export function removeKeys(dir: string, day: string, isRemoved: (key: WrappedKey) => boolean): number {
  const keys = readKeyFile(dir, day);
  const kept = keys.filter((key) => !isRemoved(key));
  const path = keyFilePath(dir, day);
  if (kept.length === keys.length) return 0;
  const old = openSync(path, 'r+');
  try {
    const size = readFileSync(path).length;
    writeWhole(`${path}.new`, Buffer.from(kept.map((key) => `${JSON.stringify(key)}\n`).join(''), 'latin1'));
    renameSync(`${path}.new`, path);
    syncFolder(dir);
    // The name is gone already; where the file system writes in place, so is what stood there.
    writeSync(old, Buffer.alloc(size), 0, size, 0);
    fsyncSync(old);
  } finally {
    closeSync(old);
    rmSync(`${path}.new`, { force: true });
  }
  return keys.length - kept.length;
}

/** Writes a file that was not there, durably but for its name. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'w', MODE);
  try {
    writeSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
