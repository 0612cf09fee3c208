/** A mirror of a running region and of a data directory: whole, resumable, and not to be deceived. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openSealedText } from '@airtight/protocol';
import { runAudit } from '../audit/run-audit.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { rewriteHistory } from '../regions/rewrite-history.ts';
import { type SmallDeployment, startSmallDeployment } from '../testing/small-deployment.ts';
import { directorySource, httpSource, type MirrorSource } from './mirror-source.ts';
import { type MirrorResult, runMirror } from './run-mirror.ts';

const folder = mkdtempSync(join(tmpdir(), 'mirror-'));
const data = dataDirectory(join(folder, 'region'));
const [overHttp, fromFiles] = [join(folder, 'http'), join(folder, 'files')];
let region: SmallDeployment;

before(async () => {
  region = await startSmallDeployment(data, {
    AIRTIGHT_LEDGER_ANCHOR_FILE: join(folder, 'anchors.txt'),
    AIRTIGHT_LEDGER_ANCHOR_FILE_INTERVAL_MS: '1000',
  });
  await region.publish(200);
});
after(async () => {
  await region?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function mirror(source: MirrorSource, out: string): Promise<MirrorResult> {
  return runMirror({ source, out, vkey: undefined, onLedger: () => {}, onJournal: () => {}, now: () => new Date() });
}

function http(): MirrorSource {
  return httpSource(`http://127.0.0.1:${region.ports.http}`, readInternalToken(data));
}

async function audited(dir: string): Promise<readonly unknown[]> {
  const order = { data: dataDirectory(dir), running: undefined, scope: {}, version: '0', onStage: () => {}, onProgress: () => {} };
  return (await runAudit(order)).findings;
}

/** Journal files of a mirror, as bytes. */
function journalOf(dir: string): Buffer[] {
  const names = readdirSync(join(dir, 'journal'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.seg'));
  return names.sort().map((name) => readFileSync(join(dir, 'journal', name)));
}

test('over HTTP: everything comes and passes an audit; a reader who may not see control data gets its hashes', async () => {
  const result = await mirror(http(), overHttp);
  assert.ok(result.ok);
  assert.ok(result.records.count >= 200);
  assert.deepEqual(result.withheld, ['sys.']);
  assert.ok(result.isKeyFromSource);
  assert.deepEqual(await audited(overHttp), []);
  const text = journalOf(overHttp).map(String).join('');
  assert.ok(text.includes('"pm25"') && !text.includes('scrypt'), 'readings, and no hash of a secret');
});

test('from a data directory: every byte; a second run fetches only what is new', async () => {
  const first = await mirror(directorySource(data.root), fromFiles);
  assert.deepEqual([first.ok, first.withheld], [true, []]);
  await region.publish(50);
  const [second, remote] = [await mirror(directorySource(data.root), fromFiles), await mirror(http(), overHttp)];
  assert.ok(second.ok && second.records.added >= 50 && second.records.added < 200, JSON.stringify(second));
  assert.ok(remote.ok && remote.records.added >= 50);
  assert.equal(second.isKeyFromSource, false);
  const third = await mirror(directorySource(data.root), fromFiles);
  assert.ok(third.records.added < 20);
  assert.deepEqual(await audited(fromFiles), []);
  assert.deepEqual(await audited(overHttp), []);
});

test('receipts of outside anchors come too; one that is of another checkpoint is refused, and so is an index that lost one', async () => {
  const index = join(data.ledger, 'anchors/index');
  await region.until('there is a receipt', () => existsSync(index));
  const copy = join(folder, 'anchored');
  const taken = await mirror(http(), copy);
  assert.ok(taken.ok && taken.anchors.added > 0, JSON.stringify(taken));
  assert.ok(readFileSync(index, 'utf8').startsWith(readFileSync(join(copy, 'ledger/anchors/index'), 'utf8')));
  assert.deepEqual(await audited(copy), []);

  const files = directorySource(copy);
  const source = (change: (path: string, bytes: Uint8Array | null) => Uint8Array | null): MirrorSource => ({
    ...files,
    ledger: { read: async (path) => change(path, await files.ledger.read(path)) },
  });
  const changed = source((path, bytes) =>
    path.endsWith('/file') && bytes !== null ? Buffer.from(Buffer.from(bytes).toString().replace('"end"', '"End"')) : bytes,
  );
  const refused = await mirror(changed, join(folder, 'wrong-receipt'));
  assert.deepEqual([refused.finding?.kind, refused.anchors.count], ['anchor', 0]);
  assert.ok(!existsSync(join(folder, 'wrong-receipt/ledger/anchors/index')));
  const lost = await mirror(
    source((path, bytes) => (path === 'anchors/index' ? null : bytes)),
    copy,
  );
  assert.equal(lost.finding?.kind, 'anchor');
});

test('a mirror of a mirror is the same', async () => {
  const again = join(folder, 'again');
  assert.ok((await mirror(directorySource(fromFiles), again)).ok);
  assert.deepEqual(journalOf(again), journalOf(fromFiles));
});

test('what an interrupted run left behind the last commit is cut off and fetched again', async () => {
  const broken = join(folder, 'broken');
  cpSync(fromFiles, broken, { recursive: true });
  const segment = join(broken, 'journal/records', readdirSync(join(broken, 'journal/records')).sort().at(-1) ?? '');
  writeFileSync(segment, Buffer.concat([readFileSync(segment), Buffer.from('half a frame')]));
  await region.publish(30);
  assert.ok((await mirror(directorySource(data.root), broken)).ok);
  assert.deepEqual(await audited(broken), []);
});

test('a source with fewer entries, with other records, or with other batches is refused, and the evidence kept', async () => {
  const lost = join(folder, 'lost');
  cpSync(fromFiles, lost, { recursive: true });
  await mirror(directorySource(data.root), fromFiles);
  const rollback = await mirror(directorySource(lost), fromFiles);
  assert.equal(rollback.finding?.kind, 'rollback');
  const evidence = openSealedText(readFileSync(join(fromFiles, rollback.finding.evidence), 'utf8'));
  assert.ok(evidence?.includes('"held"') && evidence.includes('"offered"'));

  const records = join(lost, 'journal/records', readdirSync(join(lost, 'journal/records'))[0] ?? '');
  truncateSync(records, Math.floor(readFileSync(records).length / 2));
  const omission = await mirror(directorySource(lost), join(folder, 'omitted'));
  assert.equal(omission.finding?.kind, 'omission');
  assert.deepEqual(await audited(join(folder, 'omitted')).then((all) => all.length > 0), true, 'the ledger holds what the source left out');
  assert.ok(existsSync(join(folder, 'omitted', omission.finding.evidence)));
});

test('a ledger that signs another history is caught, and what is held stays', async () => {
  const before = readFileSync(join(fromFiles, 'ledger/checkpoint'));
  await region.stop();
  await rewriteHistory({ data, origin: 'airtight.local/ledger' });
  const fork = await mirror(directorySource(data.root), fromFiles);
  assert.equal(fork.finding?.kind, 'fork', JSON.stringify(fork));
  assert.deepEqual(readFileSync(join(fromFiles, 'ledger/checkpoint')), before);
  assert.deepEqual(await audited(fromFiles), []);
});
