/** The audit that runs on: what is new, a share of what is old, alerts for what it finds, and their end when it is mended. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { type AlertItem, expiredBodyOf, isExpiredBody, readFrame, type SystemStatus } from '@airtight/protocol';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { segmentFile } from '../journal/journal-walk.ts';
import { type SmallDeployment, startSmallDeployment } from '../testing/small-deployment.ts';
import { auditRound, type Round } from './watch.ts';

const PERIOD_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'watch-'));
const data = dataDirectory(join(folder, 'region'));
let region: SmallDeployment;
let now = Date.now();

before(async () => {
  // A segment that is damaged here must not be compressed meanwhile.
  region = await startSmallDeployment(data, { AIRTIGHT_INGEST_COMPRESS_AFTER_S: '3600' });
  await region.publish(150);
});
after(async () => {
  await region?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function round(): Promise<Round> {
  const signal = new AbortController().signal;
  const limits = { intervalMs: 1000, periodMs: PERIOD_MS, bytesPerSecondMax: 1e9 };
  return auditRound({ data, ...limits, signal, now: () => now, onRound: () => {} });
}

async function api<T>(path: string): Promise<T> {
  const headers = { authorization: `Bearer ${readInternalToken(data)}` };
  return (await (await fetch(`http://127.0.0.1:${region.ports.http}/api/v1/${path}`, { headers })).json()) as T;
}

function frameOf(body: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

/** In its place: the segment may be written on. */
function flipBit(file: string, offset: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, offset);
  writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, offset);
  closeSync(fd);
}

async function auditAlerts(): Promise<AlertItem[]> {
  const { items } = await api<{ readonly items: AlertItem[] }>('alerts');
  return items.filter(({ contract }) => contract === 'sys.audit');
}

test('the first round reads everything, the next one only what is new', async () => {
  const first = await round();
  assert.deepEqual(first.found, []);
  assert.ok(first.batches.new > 0);
  await region.publish(20);
  const second = await round();
  assert.ok(second.batches.new > 0 && second.batches.new < first.batches.new + 20);
  assert.deepEqual([second.found, second.batches.again], [[], 0]);
});

test('a period later everything old was read again, and a change of it is an alert on the screens, once', async () => {
  const file = segmentFile(join(data.journal, 'records'), 0);
  const damagedAt = Math.floor(readFileSync(file).length / 4);
  flipBit(file, damagedAt);
  now += PERIOD_MS;
  const result = await round();
  assert.equal(result.found[0]?.code, 'JOURNAL_CORRUPT');
  await region.until('the alert', async () => (await auditAlerts()).length === 1);
  const [alert] = await auditAlerts();
  assert.deepEqual([alert?.severity, alert?.state, alert?.rule], ['extreme', 'unacknowledged', 'JOURNAL_CORRUPT']);
  const { faults } = await api<SystemStatus>('status');
  assert.ok(faults.some(({ service, code }) => service === 'audit' && code === 'JOURNAL_CORRUPT'));
  assert.deepEqual((await round()).found, [], 'it is known, and not told again');
  assert.equal((await round()).open, result.open);

  flipBit(file, damagedAt);
  const mended = await round();
  assert.ok(mended.cleared.length > 0);
  assert.equal(mended.open, 0);
  await region.until('it returned to normal', async () => (await auditAlerts()).every(({ state }) => state === 'returned'));
  assert.deepEqual((await api<SystemStatus>('status')).faults, []);
});

test('a payload that is gone without a record of its removal is found within a period, though every hash is right', async () => {
  await region.stop();
  const file = segmentFile(join(data.journal, 'records'), 0);
  const whole = readFileSync(file);
  const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
  const frames: Uint8Array[] = [];
  let removed = 0;
  for (let at = 0; at < whole.length; ) {
    const frame = readFrame(whole, at, crc32);
    assert.ok(typeof frame === 'object');
    const isTaken = removed === 0 && !isExpiredBody(frame.body);
    frames.push(isTaken ? frameOf(expiredBodyOf(frame.body, sha256)) : whole.subarray(at, frame.end));
    removed += isTaken ? 1 : 0;
    at = frame.end;
  }
  writeFileSync(file, Buffer.concat(frames));
  assert.deepEqual(
    (await round()).found.filter(({ code }) => code === 'RETENTION_MISMATCH'),
    [],
    'not in every round',
  );
  now += PERIOD_MS;
  const { found } = await round();
  assert.ok(
    found.some(({ code, detail }) => code === 'RETENTION_MISMATCH' && detail.includes(': 1 records')),
    JSON.stringify(found),
  );
  writeFileSync(file, whole);
  const mended = await round();
  assert.ok(mended.cleared.some(({ code }) => code === 'RETENTION_MISMATCH'));
});
