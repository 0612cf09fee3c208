/**
 * I2: one flipped bit, in whichever file of a data directory and whichever class of its bytes, is found by the audit and
 * named right; or it stands in a file that is made from others, and then it is found or what the file says is the same. The
 * directory is a real one, and every file in it must be of a kind that has a case here.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadLedger, readLedgerKey } from '@airtight/ledger';
import { makeAuthority, serveAuthority } from '@airtight/ledger/testing/local-authority.ts';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { inArchive, inBundle, inFrames, inIndex, inLines, inSteps, inTile, type Place, type PlacesIn } from '../testing/byte-classes.ts';
import { startSmallDeployment } from '../testing/small-deployment.ts';
import { FILE_KINDS, type FileKind, filesIn, kindOf } from './file-kinds.ts';
import { type AuditResult, runAudit } from './run-audit.ts';

/** `pnpm test:faults` sets it: more files of each kind, every eighth place of a database. */
const IS_LONG = process.env['FAULT_ROUNDS'] !== undefined;
const FILES_OF_A_KIND = IS_LONG ? 12 : 2;
const BITS = IS_LONG ? [0, 3, 7] : [2];
const ONE_AT_A_TIME = { concurrency: 1 };

/** Places in the files of each kind. A kind without a line here fails the test. */
const CASES: { readonly [kind: string]: PlacesIn } = {
  'journal segment': inFrames,
  'compressed journal segment': inArchive,
  'batch segment': inFrames,
  'anchor segment': inFrames,
  'quarantine segment': inFrames,
  'side index': inIndex,
  'control snapshot': inSteps(IS_LONG ? 97 : 1009),
  checkpoint: inLines,
  'final checkpoint': inLines,
  'entry bundle': inBundle,
  tile: inTile,
  'ledger database': inSteps(IS_LONG ? 61 : 509),
  'index of anchors': inLines,
  'witness state': inLines,
  'witness evidence': inLines,
  'anchored checkpoint': inLines,
  'time stamp': inSteps(IS_LONG ? 7 : 61),
  'where an anchor stands': inLines,
  'roots of time-stamping authorities': inLines,
  'signing key': inLines,
  'verifier key': inLines,
  'trust policy': inLines,
  'keys of salts': inLines,
  certificate: inLines,
  'key of a certificate': inLines,
  'contracts state': inSteps(IS_LONG ? 211 : 4099),
  'quality state': inSteps(IS_LONG ? 211 : 4099),
  'audit state': inLines,
  'import state': inLines,
};

/** Bits that change nothing that anybody reads: why, and where. */
function isWithoutMeaning(kind: FileKind, bytes: Buffer, { offset }: Place): string | undefined {
  const isLineEnd = bytes[offset] === 0x0a;
  if (kind.kind === 'roots of time-stamping authorities' && isLineEnd && offset === bytes.length - 1)
    return 'it stands behind the last certificate';
  if (kind.kind === 'signing key' && isLineEnd) return 'the white space after a key is cut off';
  if (kind.kind === 'trust policy' && isAddress(bytes, offset)) return 'an address says where to ask, not whom to believe';
  if (kind.kind === 'index of anchors' && isTimeOfComing(bytes, offset)) return 'when a receipt came proves nothing: the receipt does';
  if (kind.kind === 'checkpoint' && isInName(bytes, offset)) return 'a cosignature of an unknown key is nobody’s, and this file needs none';
  return undefined;
}

/** In the name of a signature line of a note, behind the first one. */
function isInName(bytes: Buffer, offset: number): boolean {
  const from = bytes.lastIndexOf(0x0a, offset - 1) + 1;
  const line = bytes.toString('latin1', from, offset);
  const isFirst = bytes.toString('latin1', 0, from).endsWith('\n\n');
  return !isFirst && line.split(' ').length === 2;
}

/** In the fourth of six words. */
function isTimeOfComing(bytes: Buffer, offset: number): boolean {
  const from = bytes.lastIndexOf(0x0a, offset - 1) + 1;
  return bytes.toString('latin1', from, offset + 1).split(' ').length === 4;
}

/** The last word of a witness line. */
function isAddress(bytes: Buffer, offset: number): boolean {
  const from = bytes.lastIndexOf(0x0a, offset - 1) + 1;
  const line = bytes.toString('latin1', from, bytes.indexOf(0x0a, offset));
  return line.startsWith('witness ') && offset - from > line.lastIndexOf(' ');
}

/** What takes a while to come. */
const SLOW_KINDS = [
  'compressed journal segment',
  'final checkpoint',
  'witness evidence',
  'contracts state',
  'quality state',
  'control snapshot',
  'time stamp',
  'where an anchor stands',
  'audit state',
];

/** The store has its own test (tests/audit.test.ts); a mirror writes files of the sealed form that four kinds here have. */
const ELSEWHERE: ReadonlySet<string> = new Set(['store', 'mirror state', 'evidence of a mirror']);

const folder = mkdtempSync(join(tmpdir(), 'bit-flip-'));
const data: DataDirectory = dataDirectory(join(folder, 'data'));
/** The store's own files are another test's; without them an audit takes milliseconds. */
const storeAside = join(folder, 'clickhouse');

before(async () => {
  const authority = makeAuthority(join(folder, 'authority'), { key: 'p256' });
  const served = await serveAuthority(authority);
  mkdirSync(data.keys, { recursive: true, mode: 0o700 });
  copyFileSync(authority.rootFile, data.tsaRootsFile);
  const deployment = await startSmallDeployment(data, {
    AIRTIGHT_LEDGER_ANCHOR_TSA_URL: served.url,
    AIRTIGHT_LEDGER_ANCHOR_FILE: join(folder, 'anchors.txt'),
    // `up` runs the audit that goes on beside the services.
    AIRTIGHT_AUDIT_INTERVAL_S: '1',
  });
  try {
    for (let round = 0; round < 4; round++) await deployment.publish(120);
    await deployment.publishConfidential(12);
    await deployment.publishNonsense();
    await deployment.forkAnotherLog();
    const holds = (kind: string) => () => [...filesIn(data.root)].some((path) => kindOf(path)?.kind === kind);
    for (const kind of SLOW_KINDS) await deployment.until(kind, holds(kind));
  } finally {
    await deployment.stop();
    await served.close();
  }
  renameSync(join(data.store, 'clickhouse'), storeAside);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function audit(): Promise<AuditResult> {
  return runAudit({ data, running: undefined, scope: {}, version: '0', onStage: () => {}, onProgress: () => {} });
}

function filesOf(kind: FileKind): string[] {
  const files = [...filesIn(data.root)].filter((path) => kindOf(path) === kind && readFileSync(join(data.root, path)).length > 0);
  // Oldest and newest, which is where full and partial, sealed and open differ.
  return [...new Set([...files.slice(0, Math.ceil(FILES_OF_A_KIND / 2)), ...files.slice(-Math.ceil(FILES_OF_A_KIND / 2))])];
}

test('every file is of a known kind, every kind that matters has a case, and untouched everything matches', async () => {
  const result = await audit();
  assert.deepEqual(result.findings, []);
  const unknown = [...filesIn(data.root)].filter((path) => kindOf(path) === undefined);
  assert.deepEqual(unknown, [], 'a new kind of file: give it a line in FILE_KINDS and, unless it is free, in CASES');
  const there = new Set([...filesIn(data.root)].map((path) => kindOf(path)));
  for (const kind of FILE_KINDS) {
    const isElsewhere = ELSEWHERE.has(kind.kind);
    if (kind.guard === 'free' || isElsewhere) continue;
    assert.ok(CASES[kind.kind], `no case for ${kind.kind}`);
    assert.ok(there.has(kind), `the directory has no ${kind.kind}`);
  }
});

for (const kind of FILE_KINDS.filter(({ kind }) => CASES[kind] !== undefined)) {
  test(`a bit of a ${kind.kind}`, ONE_AT_A_TIME, async (t) => {
    let [found, same] = [0, 0];
    for (const path of filesOf(kind)) {
      const file = join(data.root, path);
      const intact = readFileSync(file);
      for (const place of (CASES[kind.kind] as PlacesIn)(intact)) {
        for (const bit of BITS) {
          const damaged = Buffer.from(intact);
          damaged[place.offset] = (intact[place.offset] ?? 0) ^ (1 << bit);
          writeFileSync(file, damaged);
          try {
            const { findings } = await audit();
            if (findings.length > 0) assertNamed(findings, path, place);
            else await assertHarmless(kind, path, intact, place);
            if (findings.length > 0) found++;
            else same++;
          } finally {
            writeFileSync(file, intact);
          }
        }
      }
    }
    t.diagnostic(`${kind.kind}: ${found} found, ${same} without meaning`);
    assert.ok(found > 0);
  });
}

test('after every damage was mended everything matches again', async () => {
  assert.deepEqual((await audit()).findings, []);
});

/** The finding names the file, or the record, batch or entry in it, or the file that vouches for it. */
function assertNamed(findings: AuditResult['findings'], path: string, { byteClass, offset }: Place): void {
  const said = findings.map(({ code, file, detail }) => `${code} ${file}: ${detail}`).join('\n');
  const isSame = findings.some(({ file = '' }) => file === path || path.startsWith(`${file}-`));
  const isAbout = findings.some(({ detail }) => /\b(record|batch|entry|entries|segment|index) \d+/.test(detail));
  const isGuard = path.startsWith('keys/') && findings.some(({ file = '' }) => file.startsWith('keys/') || /checkpoint|witness/.test(file));
  // A changed line of the index names a file that is not there.
  const isOfIndex = path === 'ledger/anchors/index' && findings.some(({ file = '' }) => file.startsWith('ledger/anchors/'));
  assert.ok(isSame || isAbout || isGuard || isOfIndex, `byte ${offset} (${byteClass}) of ${path} is found, but not named:\n${said}`);
}

async function assertHarmless(kind: FileKind, path: string, intact: Buffer, place: Place): Promise<void> {
  const what = `byte ${place.offset} (${place.byteClass}) of ${path}`;
  if (kind.kind === 'ledger database') return assertSameLedger(what);
  assert.ok(isWithoutMeaning(kind, intact, place) !== undefined, `${what}: not found`);
}

/** A database has bytes that nothing stands in. The ledger opens by it, at the same size, with the same signed checkpoint. */
async function assertSameLedger(what: string): Promise<void> {
  const key = await readLedgerKey(data.ledgerKeyFile, 'airtight.local/ledger');
  const state = join(data.ledger, '.state');
  const files = [...filesIn(state)].map((name) => [join(state, name), readFileSync(join(state, name))] as const);
  const ledger = await loadLedger({ dir: data.ledger, key });
  try {
    assert.ok(readFileSync(join(data.ledger, 'checkpoint'), 'utf8').startsWith(ledger.published.note.slice(0, 40)), what);
  } finally {
    ledger.close();
    rmSync(state, { recursive: true });
    mkdirSync(state);
    for (const [file, bytes] of files) writeFileSync(file, bytes);
  }
}
