import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDataDirectory, dataDirectory } from '../data-directory.ts';
import { createServerCertificate } from '../first-start/server-certificate.ts';
import {
  checkCertificates,
  checkClock,
  checkFsync,
  checkMemory,
  checkNode,
  checkPermissions,
  diskCheck,
  fsyncCheck,
} from './machine-checks.ts';
import { lagCheck } from './service-checks.ts';

const root = mkdtempSync(join(tmpdir(), 'doctor-'));
after(() => rmSync(root, { recursive: true }));
const GIB = 1024 ** 3;

test('limits', () => {
  assert.deepEqual(
    ['26.10.0', '24.1.0'].map((version) => checkNode(version).health),
    ['ok', 'problem'],
  );
  assert.deepEqual(
    [8, 1].map((gib) => checkMemory(gib * GIB).health),
    ['ok', 'warning'],
  );
  assert.deepEqual(
    [50, 5, 0.5].map((gib) => diskCheck(gib * GIB).health),
    ['ok', 'warning', 'problem'],
  );
  assert.deepEqual(
    [1, 30, 300].map((ms) => fsyncCheck(ms, ms).health),
    ['ok', 'warning', 'problem'],
  );
  const what = { zh: '查询库', en: 'the store' };
  assert.deepEqual(
    [0, 50_000].map((records) => lagCheck('store-lag', records, what).health),
    ['ok', 'warning'],
  );
});

test('what is not well comes with advice in both languages', () => {
  for (const check of [checkNode('20.0.0'), checkMemory(1), diskCheck(1), fsyncCheck(999, 999)])
    assert.ok(check.advice?.zh && check.advice.en);
});

test('the cost of a durable write is measured where the data will be, and nothing is left behind', () => {
  const data = dataDirectory(join(root, 'not-there-yet', 'data'));
  assert.match(checkFsync(data).found.en, /\d+\.\d\d ms \/ \d+\.\d\d ms/);
});

test('a clock before 2026 was never set', () => {
  const data = dataDirectory(join(root, 'none'));
  assert.equal(checkClock(data, 0).health, 'problem');
  assert.equal(checkClock(data, Date.UTC(2026, 10, 1)).health, 'ok');
});

test('a key that others can read is named', () => {
  const data = dataDirectory(join(root, 'data'));
  assert.equal(checkPermissions(data).health, 'ok');
  createDataDirectory(data);
  for (const file of [data.policyFile, data.witnessVkeyFile, data.serverCertificateFile]) writeFileSync(file, '', { mode: 0o644 });
  assert.equal(checkPermissions(data).health, 'ok');
  chmodSync(data.internalTokenFile, 0o644);
  const check = checkPermissions(data);
  assert.equal(check.health, 'problem');
  assert.ok(check.found.en.includes(data.internalTokenFile));
});

test('a certificate that ends soon is named', async () => {
  const data = dataDirectory(join(root, 'certified'));
  createDataDirectory(data);
  const now = Date.UTC(2026, 10, 22);
  assert.equal(checkCertificates([data.serverCertificateFile, ''], now).health, 'ok');
  await createServerCertificate(data, ['localhost'], now);
  const day = 86_400_000;
  assert.deepEqual(
    [0, 352, 366].map((days) => checkCertificates([data.serverCertificateFile], now + days * day).health),
    ['ok', 'warning', 'problem'],
  );
});
