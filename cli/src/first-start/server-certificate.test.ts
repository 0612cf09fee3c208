import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDataDirectory, dataDirectory } from '../data-directory.ts';
import { createServerCertificate } from './server-certificate.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
const root = mkdtempSync(join(tmpdir(), 'airtight-server-certificate-'));
after(() => rmSync(root, { recursive: true, force: true }));
const data = dataDirectory(join(root, 'data'));
createDataDirectory(data);

test('a certificate for this machine is made once, and again when it ends soon or a name is missing', async () => {
  const hosts = ['localhost', 'box.example', '127.0.0.1', '::1'] as const;
  const files = await createServerCertificate(data, hosts, NOW);
  const read = () => readFileSync(files.certificate, 'utf8');
  const [first, ca] = [read(), readFileSync(files.ca, 'utf8')];
  const certificate = new X509Certificate(first);
  assert.ok(certificate.verify(new X509Certificate(ca).publicKey));
  assert.deepEqual([certificate.checkHost('localhost'), certificate.checkHost('box.example')], ['localhost', 'box.example']);
  assert.deepEqual([certificate.checkIP('127.0.0.1'), certificate.checkIP('::1')], ['127.0.0.1', '::1']);
  assert.equal(certificate.checkHost('elsewhere.example'), undefined);
  // 1.3.6.1.5.5.7.3.1: serverAuth, so it is no device's.
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(statSync(files.key).mode & 0o777, 0o600);

  await createServerCertificate(data, hosts, NOW + 300 * DAY_MS);
  assert.equal(read(), first);
  await createServerCertificate(data, hosts, NOW + 340 * DAY_MS);
  const renewed = read();
  assert.notEqual(renewed, first);
  await createServerCertificate(data, [...hosts, 'other.example'], NOW + 340 * DAY_MS);
  assert.notEqual(read(), renewed);
  assert.equal(readFileSync(files.ca, 'utf8'), ca, 'the CA stays');
});
