/** The audit finds and names whatever was changed in a log. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import {
  entryBundlePath,
  formatCheckpoint,
  formatEntryBundle,
  formatNote,
  formatVkey,
  parsePolicy,
  rootOfLeafHashes,
  tilePath,
} from '@airtight/tlog';
import { createLedger } from '../log/ledger.ts';
import { leafHashesOf } from '../log/right-edge.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { signingKey } from '../log/test-key.ts';
import { witnessKeyOf } from '../witness/testing.ts';
import { type AuditReport, auditLedger } from './audit-ledger.ts';

const key = signingKey('ledger.example/audited', 3);
const vkey = formatVkey(key.vkey);
const SIZE = 300;
const scratch = mkdtempSync(join(tmpdir(), 'ledger-audit-'));
const dir = join(scratch, 'log');
after(() => rmSync(scratch, { recursive: true }));

const entries = Array.from({ length: SIZE }, (_, i) => Buffer.from(`{"entry":${i}}`));

before(async () => {
  const ledger = await createLedger({ dir, key });
  // Three commits, so that partial files of an earlier size stay beside those of the last.
  for (const [from, to] of [
    [0, 100],
    [100, 260],
    [260, SIZE],
  ] as const) {
    await ledger.append(entries.slice(from, to));
    await ledger.removeObsolete();
  }
  ledger.close();
});

function audit(place = dir): Promise<AuditReport> {
  return auditLedger(place, vkey);
}

/** Audits with one file changed, then puts it back. */
async function auditChanged(path: string, change: (bytes: Buffer) => Buffer): Promise<AuditReport> {
  const file = join(dir, path);
  const original = readFileSync(file);
  writeFileSync(file, change(Buffer.from(original)));
  const report = await audit();
  writeFileSync(file, original);
  return report;
}

function publishedFiles(): string[] {
  const files = readdirSync(join(dir, 'tile'), { recursive: true, encoding: 'utf8' }).map((name) => join('tile', name));
  return ['checkpoint', ...files.filter((path) => statSync(join(dir, path)).isFile())];
}

test('an untouched log passes', async () => {
  const seen: number[] = [];
  const report = await auditLedger(dir, vkey, ({ entries: count, size }) => seen.push(count, size));
  assert.deepEqual([report.ok, report.entries, report.checkpoint?.size], [true, SIZE, SIZE]);
  assert.deepEqual(seen, [256, SIZE, SIZE, SIZE]);
  assert.deepEqual(publishedFiles().sort(), [
    'checkpoint',
    'tile/0/000',
    'tile/0/001.p/4',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/4',
    'tile/entries/001.p/44',
  ]);
});

test('a flipped bit in any file is found and its place named', async () => {
  for (const path of publishedFiles()) {
    const { size } = statSync(join(dir, path));
    // Every byte of the small files; of the larger ones every 19th, which meets every hash and most entries.
    for (let at = 0; at < size; at += size > 1024 ? 19 : 1) {
      const { ok, finding } = await auditChanged(path, (bytes) => {
        bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
        return bytes;
      });
      assert.equal(ok, false, `${path} byte ${at}`);
      assert.equal(finding?.file, path, `${path} byte ${at}: ${JSON.stringify(finding)}`);
      assert.ok(finding.offset <= at && at - finding.offset < (path === 'checkpoint' ? size : 64), `${path} byte ${at}: ${finding.offset}`);
      assert.equal(finding.code, path === 'checkpoint' ? 'CHECKPOINT_INVALID' : 'LEDGER_TILE_MISMATCH');
    }
  }
});

test('files cut short, made longer, emptied or removed are named', async () => {
  const isCurrent = (path: string) => path !== 'checkpoint' && !path.endsWith('.p/4');
  for (const path of publishedFiles().filter(isCurrent)) {
    for (const change of [
      (bytes: Buffer) => bytes.subarray(0, -1),
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]),
      () => Buffer.alloc(0),
    ]) {
      const { finding } = await auditChanged(path, change);
      assert.deepEqual([finding?.code, finding?.file], ['LEDGER_TILE_MISMATCH', path]);
    }
    renameSync(join(dir, path), join(scratch, 'aside'));
    const { finding } = await audit();
    renameSync(join(scratch, 'aside'), join(dir, path));
    assert.deepEqual([finding?.code, finding?.file, finding?.offset], ['LEDGER_TILE_MISMATCH', path, 0]);
  }
  renameSync(join(dir, 'checkpoint'), join(scratch, 'aside'));
  const { finding } = await audit();
  renameSync(join(scratch, 'aside'), join(dir, 'checkpoint'));
  assert.deepEqual([finding?.code, finding?.file], ['CHECKPOINT_INVALID', 'checkpoint']);
});

test('an entry changed together with its tile is found by the tile above', async () => {
  const forged = join(scratch, 'forged');
  cpSync(dir, forged, { recursive: true });
  const changed = entries.slice(0, 256).with(17, Buffer.from('forged'));
  writeFileSync(join(forged, entryBundlePath(0)), formatEntryBundle(changed));
  writeFileSync(join(forged, tilePath(0, 0)), leafHashesOf(changed));
  const first = (await audit(forged)).finding;
  assert.deepEqual([first?.file, first?.code], ['tile/0/000', 'LEDGER_TILE_MISMATCH']);

  writeFileSync(join(forged, tilePath(1, 0, 1)), rootOfLeafHashes(leafHashesOf(changed), nodeSha256));
  const second = (await audit(forged)).finding;
  assert.deepEqual([second?.file, second?.code], ['checkpoint', 'LEDGER_ROOT_MISMATCH'], 'at last by the signed checkpoint');
  assert.equal(relative(scratch, forged), 'forged');
});

test('the checkpoint of another key or of another log is refused', async () => {
  const stranger = formatVkey(signingKey('ledger.example/audited', 4).vkey);
  const { finding } = await auditLedger(dir, stranger);
  assert.equal(finding?.code, 'CHECKPOINT_INVALID');
  assert.match((await auditLedger(dir, 'no key')).finding?.detail ?? '', /not name\+id\+key/);
});

test('a final checkpoint is held against the tiles, and cosignatures against the witnesses that are named', async () => {
  const place = join(scratch, 'final');
  cpSync(dir, place, { recursive: true });
  const witness = witnessKeyOf('witness.example', 9);
  const policy = parsePolicy(`log ${vkey}\nwitness one ${formatVkey(witness.vkey)}\nquorum one\n`);
  assert.ok(policy.ok);
  const auditPlace = () => auditLedger(place, vkey, () => undefined, policy.value);
  const write = (file: string, size: number, root: Uint8Array): string => {
    const text = formatCheckpoint({ origin: key.vkey.name, size, root });
    const note = formatNote(text, [key.signNote(text), witness.cosign(Buffer.from(text), 1_800_000_000)]);
    writeFileSync(join(place, file), note);
    return note;
  };
  const rootAt = (size: number) => rootOfLeafHashes(leafHashesOf(entries.slice(0, size)), nodeSha256);
  write('checkpoint', SIZE, rootAt(SIZE));
  const note = write('checkpoint.final', 257, rootAt(257));
  assert.equal((await auditPlace()).ok, true);
  write('checkpoint.final', 257, rootAt(256));
  const { finding } = await auditPlace();
  assert.deepEqual([finding?.code, finding?.file], ['LEDGER_ROOT_MISMATCH', 'checkpoint.final']);
  write('checkpoint.final', SIZE + 1, rootAt(257));
  assert.match(String((await auditPlace()).finding?.detail), /entries are missing/);
  const changed = Buffer.from(note);
  changed[changed.length - 20] = changed[changed.length - 20] === 65 ? 66 : 65;
  writeFileSync(join(place, 'checkpoint.final'), changed);
  assert.match(String((await auditPlace()).finding?.detail), /NOTE_SIGNATURE_INVALID.*witness\.example/);
  // Under another name it is the cosignature of nobody.
  writeFileSync(join(place, 'checkpoint.final'), note.replace('— witness.example ', '— vitness.example '));
  assert.match(String((await auditPlace()).finding?.detail), /QUORUM_NOT_MET/);
});
