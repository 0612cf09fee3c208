/** After retention the keys of what is gone go too; whatever is left keeps its own. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatasetRegistry, isSaltedBody, type SaltKeysRecord } from '@airtight/protocol';
import pino from 'pino';
import { RecordRoute } from '../admit/record-route.ts';
import { Intake, tagOfBody } from '../intake.ts';
import { Journal } from '../journal/journal.ts';
import { leafHashOf } from '../leaf-hash.ts';
import { createMetrics } from '../metrics.ts';
import { Quarantine } from '../quarantine/quarantine.ts';
import { PayloadRetention } from '../retention/payload-retention.ts';
import { RetentionLog } from '../retention/retention-log.ts';
import { commitmentFault } from './commitment-fault.ts';
import { keyFilesFault } from './key-files-fault.ts';
import { SaltKeys } from './salt-keys.ts';
import { SpentKeys } from './spent-keys.ts';

const root = mkdtempSync(join(tmpdir(), 'spent-keys-'));
after(() => rmSync(root, { recursive: true }));
const DAY_MS = 86_400_000;
const T0 = Date.UTC(2026, 0, 1);
const DAYS = 10;
const A_DAY = 40;

test('keys go when no payload of their producer and day is left, on record before; commitments of all others hold', async () => {
  const datasets = new DatasetRegistry();
  const title = { zh: '甲', en: 'a' };
  for (const [dataset, more] of [
    ['clinic', { confidential: true, retentionDays: 3 }],
    ['kept', { confidential: true }],
  ] as const)
    datasets.define(0, { type: 'dataset', dataset, title, cadenceMs: 1000, properties: {}, ...more });
  let now = T0;
  const keysDir = join(root, 'keys', 'salts');
  const salts = SaltKeys.open(keysDir, { now: () => now });
  const journal = Journal.open(join(root, 'records'), { tagOf: tagOfBody, segmentMaxBytes: 8000 });
  const quarantine = new Quarantine(join(root, 'quarantine'));
  const onFatal = (error: Error): void => assert.fail(error);
  const intake = new Intake({
    ...{ journal, quarantine, datasets, salts, onFatal },
    ...{ onCommitted: () => undefined, onCommitSeconds: () => undefined },
  });
  for (let i = 0; i < DAYS * A_DAY; i++) {
    now = T0 + Math.floor((i * DAY_MS) / A_DAY);
    // On even days producer p also sends what is kept for ever.
    const isKept = Math.floor(i / A_DAY) % 2 === 0 && i % A_DAY === 20;
    const [dataset, producer] = isKept ? ['kept', 'p'] : ['clinic', i % 2 === 0 ? 'p' : 'q'];
    const route = new RecordRoute({ agency: 'a', dataset, producer, door: 'mqtt', contentType: 'application/json' });
    intake.take(route, Buffer.from(`{"t":${now},"m":{"tvc":${i}}}`), now);
    if (i % 10 === 9) await intake.committed();
  }
  const bodies = () => Array.from({ length: journal.committed }, (_, position) => journal.read(position) as Buffer);
  const leaves = bodies().map((body) => Buffer.from(leafHashOf(body)).toString('hex'));
  const written: SaltKeysRecord[] = [];
  const linesOf = (day: string): string[] =>
    readFileSync(join(keysDir, `${day}.keys`), 'utf8')
      .split('\n')
      .filter(Boolean);
  const wrapped = linesOf('2026-01-02').map((line) => JSON.parse(line).key as string);
  const logger = pino({ level: 'silent' });
  const spentKeys = new SpentKeys({
    ...{ journal, salts, logger },
    write: async (record) => {
      assert.ok(linesOf(record.day).length >= record.keys, 'on record before they go');
      written.push(record);
    },
  });
  const log = new RetentionLog();
  const retention = new PayloadRetention({
    ...{ journal, datasets, log, spentKeys, logger, metrics: createMetrics(), intervalS: 1, now: () => now },
    write: async (record) => log.take(record),
    anchoredThrough: () => journal.committed,
  });
  await retention.look();
  const dayOf = (i: number): string => new Date(T0 + i * DAY_MS).toISOString().slice(0, 10);
  assert.ok(written.length >= 5, JSON.stringify(written));
  assert.deepEqual([...new Set(linesOf(dayOf(0)).map((line) => JSON.parse(line).producer))], ['p'], 'of a day with something left');
  assert.deepEqual([linesOf(dayOf(1)), linesOf(dayOf(3))], [[], []], 'of days of which all is gone');
  assert.ok(linesOf(dayOf(9)).length >= 2, 'of today');
  for (const name of globSync('**/*.keys', { cwd: keysDir })) {
    const text = readFileSync(join(keysDir, name), 'utf8');
    assert.ok(wrapped.every((key) => !text.includes(key)));
  }
  assert.deepEqual(
    bodies().map((body) => Buffer.from(leafHashOf(body)).toString('hex')),
    leaves,
  );
  const left = bodies().flatMap((body, position) => (isSaltedBody(body) ? [commitmentFault(body, position, salts)] : []));
  assert.ok(left.length > A_DAY * 3 && left.length < A_DAY * 5);
  assert.ok(left.every((fault) => fault === undefined));
  assert.equal(keyFilesFault(keysDir), undefined, 'as an audit sees them');
  const before = written.length;
  await retention.look();
  assert.equal(written.length, before, 'once');
  journal.close();
  quarantine.close();
});
