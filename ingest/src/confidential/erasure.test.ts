import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DatasetRegistry, type ErasureRecord, isExpiredBody, isSaltedBody } from '@airtight/protocol';
import pino from 'pino';
import { RecordRoute } from '../admit/record-route.ts';
import { Intake, tagOfBody } from '../intake.ts';
import { FaultyDisk } from '../journal/faulty-disk.ts';
import { Journal } from '../journal/journal.ts';
import { leafHashOf } from '../leaf-hash.ts';
import { Quarantine } from '../quarantine/quarantine.ts';
import { commitmentFault } from './commitment-fault.ts';
import { discloseFields } from './disclosure.ts';
import { Erasure } from './erasure.ts';
import { SaltKeys, utcDay } from './salt-keys.ts';

const root = mkdtempSync(join(tmpdir(), 'erasure-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const DAY_MS = 86_400_000;
const TODAY = Date.now();
const DAY = utcDay(TODAY);

class Scene {
  readonly dir: string;
  readonly disk = new FaultyDisk();
  readonly datasets = new DatasetRegistry();
  readonly written: ErasureRecord[];
  readonly journal: Journal;
  readonly quarantine: Quarantine;
  readonly salts: SaltKeys;
  readonly intake: Intake;

  constructor(dir = join(root, String(folders++)), written: ErasureRecord[] = []) {
    this.dir = dir;
    this.written = written;
    const title = { zh: '甲', en: 'a' };
    for (const dataset of ['clinic', 'air'])
      this.datasets.define(0, { type: 'dataset', dataset, title, cadenceMs: 1000, properties: {}, confidential: dataset === 'clinic' });
    this.journal = Journal.open(join(dir, 'records'), { tagOf: tagOfBody, segmentMaxBytes: 4000 });
    this.quarantine = new Quarantine(join(dir, 'quarantine'));
    this.salts = SaltKeys.open(join(dir, 'keys', 'salts'), { disk: this.disk });
    this.intake = new Intake({
      ...{ journal: this.journal, quarantine: this.quarantine, datasets: this.datasets, salts: this.salts },
      onCommitted: () => undefined,
      onCommitSeconds: () => undefined,
      onFatal: (error) => {
        throw error;
      },
    });
  }

  take(dataset: string, producer: string, i: number, receivedAt = TODAY): void {
    const route = new RecordRoute({ agency: 'a', dataset, producer, door: 'mqtt', contentType: 'application/json' });
    const payload = Buffer.from(`{"t":${TODAY},"m":{"tvc":${i}},"note":"secret of ${dataset} ${producer} ${i}."}`);
    assert.equal(this.intake.take(route, payload, receivedAt).kind, 'accepted');
  }

  async fill(): Promise<void> {
    for (let i = 0; i < 40; i++) {
      this.take('clinic', 'p', i, i % 4 === 3 ? TODAY - 2 * DAY_MS : TODAY);
      this.take('clinic', 'q', i);
      this.take('air', 'p', i);
      if (i % 5 === 4) await this.intake.committed();
    }
  }

  erasure(journal: object = this.journal): Erasure {
    return new Erasure({
      journal: journal as Journal,
      quarantine: this.quarantine,
      salts: this.salts,
      isConfidential: (dataset) => this.datasets.current(dataset)?.confidential === true,
      sealedThrough: () => this.journal.committed,
      committed: () => this.intake.committed(),
      write: async (record) => void this.written.push(record),
      last: () => this.written.at(-1),
      logger: pino({ level: 'silent' }),
    });
  }

  bodies(): Buffer[] {
    return Array.from({ length: this.journal.committed }, (_, position) => this.journal.read(position) as Buffer);
  }

  holds(text: string): boolean {
    return globSync('**/*', { cwd: this.dir, withFileTypes: true }).some(
      (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(text),
    );
  }

  tagsOf(positions: readonly number[]): number[] {
    const tags = new Map(this.journal.tags(0));
    return positions.map((position) => tags.get(position) as number);
  }

  close(): void {
    this.journal.close();
    this.quarantine.close();
  }
}

const ORDER = { producer: 'p', day: DAY, reason: 'asked for', by: 'tests' };
/** Positions of what `p` sent to the confidential dataset today. */
const ERASED = Array.from({ length: 40 }, (_, i) => i * 3).filter((_, i) => i % 4 !== 3);

function assertErased(scene: Scene, leaves: readonly string[]): void {
  const bodies = scene.bodies().slice(0, 120);
  assert.deepEqual(
    bodies.map((body) => hex(leafHashOf(body))),
    leaves,
    'every leaf hash stays',
  );
  assert.deepEqual(
    bodies.flatMap((body, position) => (isExpiredBody(body) ? [position] : [])),
    ERASED,
  );
  for (const [position, body] of bodies.entries())
    if (isSaltedBody(body)) assert.equal(commitmentFault(body, position, scene.salts), undefined, `record ${position}`);
  assert.equal(scene.holds('secret of clinic p 0.'), false);
  for (const other of ['clinic p 3.', 'clinic q 0.', 'air p 0.']) assert.ok(scene.holds(`secret of ${other}`), other);
  assert.deepEqual([...new Set(scene.tagsOf(ERASED))], [0], 'checksums of the content go');
  assert.deepEqual(scene.salts.placesOf('p', DAY, 120), []);
}

test('a day of a producer goes, hashes stay, and all other content with its commitments', async () => {
  const scene = new Scene();
  await scene.fill();
  const leaves = scene.bodies().map((body) => hex(leafHashOf(body)));
  const first = scene.journal.read(0) as Buffer;
  assert.equal(discloseFields(first, 0, ['/m/tvc'], scene.salts).fields[0]?.value, '0');
  assert.throws(() => discloseFields(first, 0, ['/m/none'], scene.salts), { code: 'FIELD_UNKNOWN' });
  const { count } = await scene.erasure().erase(ORDER);
  assert.equal(count, ERASED.length);
  assertErased(scene, leaves);
  assert.deepEqual([scene.written.length, scene.written[0]?.datasets], [1, ['clinic']]);
  assert.deepEqual((await scene.erasure().erase(ORDER)).count, 0, 'there is nothing more');
  assert.equal(scene.written.length, 1);
  for (const day of ['2026-02-30', 'today', '2026-1-1'])
    await assert.rejects(scene.erasure().erase({ ...ORDER, day }), { code: 'REQUEST_INVALID' });
  scene.take('clinic', 'p', 0);
  await scene.intake.committed();
  assert.equal(commitmentFault(scene.journal.read(120) as Buffer, 120, scene.salts), undefined, 'what is sent again is a new record');
  scene.close();
});

test('what was not admitted of that producer and day goes from quarantine too', async () => {
  const scene = new Scene();
  scene.take('clinic', 'p', 0);
  const refused = (dataset: string, producer: string, receivedAt = TODAY): void => {
    const origin = { door: 'mqtt', topic: `v1/a/${dataset}/${producer}`, producer, receivedAt };
    const payload = Buffer.from(`refused of ${dataset} ${producer} ${receivedAt}.`);
    scene.intake.refuse(origin, { ok: false, code: 'PAYLOAD_NOT_JSON', detail: `near "refused of ${dataset}"` }, payload);
  };
  refused('clinic', 'p');
  refused('clinic', 'q');
  refused('air', 'p');
  refused('clinic', 'p', TODAY - DAY_MS);
  await scene.intake.committed();
  assert.equal((await scene.erasure().erase(ORDER)).count, 1);
  assert.equal(scene.holds(`refused of clinic p ${TODAY}.`), false);
  for (const kept of [`clinic q ${TODAY}`, `air p ${TODAY}`, `clinic p ${TODAY - DAY_MS}`])
    assert.ok(scene.holds(`refused of ${kept}.`), kept);
  const { items } = scene.quarantine.list(10, 10);
  assert.deepEqual(
    items.map(({ id, kept, detail }) => [id, kept > 0, detail === 'erased']),
    [3, 2, 1, 0].map((id) => [id, id !== 0, id === 0]),
  );
  assert.equal(scene.quarantine.counts().get('PAYLOAD_NOT_JSON'), 4);
  scene.close();
});

test('interrupted after it was put on record, it is ended after the restart', async () => {
  for (const steps of [0, 1, 2]) {
    const scene = new Scene();
    await scene.fill();
    const leaves = scene.bodies().map((body) => hex(leafHashOf(body)));
    let left = steps;
    const dying = new Proxy(scene.journal, {
      get: (journal, name) => {
        if (name === 'rewriteSealed' && left-- <= 0) return () => Promise.reject(new Error('killed'));
        const value = Reflect.get(journal, name, journal);
        return typeof value === 'function' ? value.bind(journal) : value;
      },
    });
    await assert.rejects(scene.erasure(dying).erase(ORDER), /killed/);
    assert.equal(scene.written.length, 1);
    assert.ok(scene.salts.placesOf('p', DAY, 120).length > 0, 'keys go last');
    scene.close();
    const again = new Scene(scene.dir, scene.written);
    await again.erasure().resume();
    assertErased(again, leaves);
    assert.equal(again.written.length, 1);
    again.close();
  }
});

test('no record is written before its key is durable', async () => {
  const scene = new Scene();
  scene.disk.errno = 'ENOSPC';
  scene.take('clinic', 'p', 0);
  const committed = scene.intake.committed();
  while (scene.disk.failed === 0) await delay(5);
  assert.equal(scene.journal.committed, 0);
  scene.take('clinic', 'q', 1);
  scene.disk.errno = undefined;
  await committed;
  assert.ok(scene.journal.committed > 0);
  await scene.intake.committed();
  scene.close();
  const again = new Scene(scene.dir);
  for (const position of [0, 1]) assert.equal(commitmentFault(again.journal.read(position) as Buffer, position, again.salts), undefined);
  again.close();
});

test('a changed payload, id or root is found', async () => {
  const scene = new Scene();
  scene.take('clinic', 'p', 4);
  await scene.intake.committed();
  const body = scene.journal.read(0) as Buffer;
  for (const at of [1, 32, body.lastIndexOf('4'), body.length - 3]) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] as number) ^ 1;
    assert.equal(commitmentFault(changed, 0, scene.salts)?.code, 'COMMITMENT_MISMATCH', `byte ${at}`);
  }
  scene.close();
});
