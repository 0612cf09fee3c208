import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatasetRegistry, decodeExpired, isExpiredBody, type RetentionRecord } from '@airtight/protocol';
import pino from 'pino';
import { RecordRoute } from '../admit/record-route.ts';
import { tagOfBody } from '../intake.ts';
import { Journal } from '../journal/journal.ts';
import { leafHashOf } from '../leaf-hash.ts';
import { createMetrics } from '../metrics.ts';
import { PayloadRetention } from './payload-retention.ts';
import { RetentionLog } from './retention-log.ts';

const root = mkdtempSync(join(tmpdir(), 'retention-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const DAY_MS = 86_400_000;
const T0 = Date.UTC(2026, 0, 1);
const RECORDS = 930;
/** Three records an hour, one of each. */
const DATASETS = ['air', 'coldchain', 'sys.ticks'];
const receivedAt = (i: number): number => T0 + Math.floor(i / 3) * 3_600_000;

class Scene {
  readonly dir = join(root, String(folders++));
  journal = Journal.open(this.dir, { segmentMaxBytes: 20_000, tagOf: tagOfBody });
  readonly datasets = new DatasetRegistry();
  readonly written: RetentionRecord[] = [];
  log = new RetentionLog();
  now = T0;
  anchored = RECORDS;
  failWrite = false;
  readonly metrics = createMetrics();
  readonly leaves: string[] = [];

  async fill(): Promise<void> {
    for (let i = 0; i < RECORDS; i++) {
      const dataset = DATASETS[i % 3] as string;
      const route = new RecordRoute({ agency: 'a', dataset, producer: 'p', door: 'mqtt', contentType: 'application/json' });
      const payload = Buffer.from(`{"t":${receivedAt(i)},"secret":"secret-of-${dataset}-${i}"}`);
      this.journal.append(route.head(receivedAt(i), undefined), payload, route.fingerprint(undefined, payload));
      if (i % 50 === 49 || i === RECORDS - 1) await this.journal.flush();
    }
    for (let i = 0; i < RECORDS; i++) this.leaves.push(hex(leafHashOf(this.journal.read(i) as Buffer)));
  }

  policy(dataset: string, retentionDays: number | undefined, position = 0): void {
    const title = { zh: '甲', en: 'a' };
    const days = retentionDays === undefined ? {} : { retentionDays };
    this.datasets.define(position, { type: 'dataset', dataset, title, cadenceMs: 1000, properties: {}, ...days });
  }

  retention(): PayloadRetention {
    return new PayloadRetention({
      ...{ journal: this.journal, datasets: this.datasets, log: this.log, metrics: this.metrics },
      write: async (record) => {
        if (this.failWrite) throw new Error('the disk is full');
        this.log.take(record);
        this.written.push(record);
      },
      anchoredThrough: () => this.anchored,
      spentKeys: { removed: () => undefined, look: () => Promise.resolve() },
      intervalS: 1,
      logger: pino({ level: 'silent' }),
      now: () => this.now,
    });
  }

  expired(): number[] {
    return Array.from({ length: RECORDS }, (_, i) => i).filter((i) => isExpiredBody(this.journal.read(i) as Buffer));
  }

  assertSound(): void {
    for (let i = 0; i < RECORDS; i++) assert.equal(hex(leafHashOf(this.journal.read(i) as Buffer)), this.leaves[i], `leaf ${i}`);
    for (const { dataset, before, fromPosition, toPosition, count, keptSha256 } of this.written) {
      const digest = createHash('sha256');
      let counted = 0;
      for (let i = fromPosition; i <= toPosition; i++) {
        const body = this.journal.read(i) as Buffer;
        const record = decodeExpired(body);
        if (!record.ok || record.value.header.dataset !== dataset) continue;
        assert.ok(record.value.header.receivedAt < before);
        digest.update(body);
        counted++;
      }
      assert.deepEqual([counted, digest.digest('hex')], [count, keptSha256]);
    }
  }

  onDisk(text: string): boolean {
    return globSync('*.seg', { cwd: this.dir }).some((name) => readFileSync(join(this.dir, name)).includes(text));
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('payloads of a dataset with a policy go when they are old enough; hashes, headers and all other records stay', async () => {
  const scene = new Scene();
  await scene.fill();
  const retention = scene.retention();
  await retention.look();
  assert.deepEqual(scene.expired(), [], 'no policy, no removal');
  scene.policy('air', 5);
  scene.now = T0 + 4 * DAY_MS;
  await retention.look();
  assert.deepEqual(scene.expired(), [], 'none is old enough');
  assert.ok(scene.onDisk('secret-of-air-0'));
  scene.now = T0 + 8 * DAY_MS;
  await retention.look();
  const expired = scene.expired();
  assert.ok(expired.length > 20 && expired.length <= 73, `${expired.length} of at most three days and an hour`);
  assert.ok(expired.every((i) => i % 3 === 0 && receivedAt(i) < T0 + 3 * DAY_MS));
  assert.deepEqual(
    expired,
    Array.from(expired, (_, at) => at * 3),
    'the oldest, without gap',
  );
  assert.equal(scene.onDisk('secret-of-air-0"'), false);
  assert.ok(scene.onDisk('secret-of-coldchain-1"') && scene.onDisk('secret-of-sys.ticks-2"'));
  assert.equal((await scene.metrics.payloadsRemoved.get()).values[0]?.value, expired.length);
  scene.assertSound();
  const written = scene.written.length;
  await retention.look();
  assert.equal(scene.written.length, written, 'once');
  scene.now = T0 + 400 * DAY_MS;
  scene.policy('coldchain', 100, 1);
  await retention.look();
  const sealed = scene.journal.active;
  assert.deepEqual(
    scene.expired(),
    Array.from({ length: sealed }, (_, i) => i).filter((i) => i % 3 !== 2),
    'never sys.…',
  );
  scene.assertSound();
  scene.journal.close();
});

test('nothing goes before it is in the ledger, or before its removal is on record', async () => {
  const scene = new Scene();
  await scene.fill();
  scene.policy('air', 1);
  scene.now = T0 + 400 * DAY_MS;
  const [, second] = scene.journal.sealed;
  scene.anchored = (second?.first ?? 0) + 1;
  await scene.retention().look();
  assert.ok(scene.expired().every((i) => i < (second?.first ?? 0)));
  assert.equal(scene.written.length, 1);
  scene.anchored = RECORDS;
  scene.failWrite = true;
  await assert.rejects(scene.retention().look());
  assert.equal(scene.expired().at(-1), scene.written[0]?.toPosition);
  scene.journal.close();
});

test('killed between the record and the removal: the removal is done after the restart, and recorded once', async () => {
  const scene = new Scene();
  await scene.fill();
  scene.policy('air', 1);
  scene.now = T0 + 400 * DAY_MS;
  const { journal } = scene;
  scene.journal = Object.create(journal, {
    rewriteSealed: { value: () => Promise.reject(new Error('killed')) },
    ...Object.fromEntries(['sealed', 'active', 'committed'].map((name) => [name, { get: () => journal[name as 'active'] }])),
    ...Object.fromEntries(['read', 'walkSealed'].map((name) => [name, { value: journal[name as 'read'].bind(journal) }])),
  });
  await assert.rejects(scene.retention().look(), /killed/);
  assert.equal(scene.written.length, 1);
  journal.close();
  scene.journal = Journal.open(scene.dir, { tagOf: tagOfBody });
  assert.deepEqual(scene.expired(), []);
  // The policy was lifted meanwhile: what is on record still goes, and nothing else.
  scene.policy('air', undefined, 1);
  await scene.retention().look();
  assert.equal(scene.expired().length, scene.written[0]?.count);
  assert.equal(scene.written.length, 1);
  scene.assertSound();
  scene.journal.close();
});

test('the active segment is sealed when it is old, so that what comes slowly goes too', async () => {
  const scene = new Scene();
  await scene.fill();
  scene.policy('air', 1);
  scene.now = T0 + 400 * DAY_MS;
  const retention = scene.retention();
  await retention.look();
  assert.ok(!scene.expired().includes(RECORDS - 3));
  const tick = new RecordRoute({ agency: 'a', dataset: 'sys.ticks', producer: 'p', door: 'internal', contentType: 'application/json' });
  scene.journal.append(tick.head(scene.now, undefined), Buffer.from('{}'), 0);
  await scene.journal.flush();
  await retention.look();
  scene.anchored = RECORDS + 1;
  await retention.look();
  assert.ok(scene.expired().includes(RECORDS - 3));
  scene.journal.close();
});
