import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { DatasetRegistry, encodeRecord, type RecordHeader, SPARKPLUG_MEDIA_TYPE } from '@airtight/protocol';
import { encodeSparkplug, type SparkplugMetric, SPARKPLUG_TYPE as T } from '@airtight/standards/sparkplug-b.ts';
import { decodeFrame } from '../decode/decoder.ts';
import type { FeedChunk, FeedRequest } from '../upstream/ingest-client.ts';
import { Births } from './births.ts';

const AT = 1_700_000_000_000;

/** A journal in memory, read as the feed reads it; notes what was asked. */
class Journal {
  readonly frames: Buffer[] = [];
  readonly asked: number[] = [];

  add(message: string, metrics: readonly SparkplugMetric[], birth?: number): number {
    const header: RecordHeader = {
      ...{ v: 1, agency: 'a', dataset: 'd', producer: 'p', receivedAt: AT, door: 'mqtt', topic: `spBv1.0/g/${message}/e` },
      contentType: SPARKPLUG_MEDIA_TYPE,
      ...(birth === undefined ? {} : { birth }),
    };
    const record = encodeRecord(header, encodeSparkplug({ timestamp: AT, seq: 0, metrics }));
    const body = Buffer.concat([Uint8Array.of(0), record]);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(body.length, 0);
    lengths.writeUInt32LE(crc32(body), 4);
    return this.frames.push(Buffer.concat([lengths, body])) - 1;
  }

  chunk(from: number, next: number): FeedChunk {
    return { from, next, head: this.frames.length, bytes: Buffer.concat(this.frames.slice(from, next)) };
  }

  async feed({ from }: FeedRequest): Promise<FeedChunk> {
    this.asked.push(from);
    return this.chunk(from, from + 1);
  }
}

const metric = (name: string): SparkplugMetric => ({ name, alias: '1', datatype: T.Double, value: { field: 'double', value: 0 } });
const value = (number: number): SparkplugMetric => ({ alias: '1', value: { field: 'double', value: number } });

/** Property and value of each record; its reason where it cannot be read. */
async function decoded(births: Births, chunk: FeedChunk): Promise<string[]> {
  const frames = await births.framesOf(chunk);
  return frames.map((frame) => {
    const event = decodeFrame(frame, new DatasetRegistry());
    if (event.kind === 'opaque') return 'opaque';
    assert.ok(event.kind === 'readings');
    return event.observations.map(({ observedProperty, result }) => `${observedProperty} ${result}`).join(' ');
  });
}

function journal(): Journal {
  const made = new Journal();
  made.add('NBIRTH', [metric('temp')]);
  made.add('NDATA', [value(4)], 0);
  made.add('NBIRTH', [metric('door')]);
  made.add('NDATA', [value(1)], 2);
  made.add('NDATA', [value(5)], 0);
  return made;
}
const SAID = ['online true temp 0', 'temp 4', 'online true door 0', 'door 1', 'temp 5'];

test('wherever a reader begins, a record says the same', async () => {
  const source = journal();
  assert.deepEqual(await decoded(new Births(source), source.chunk(0, 5)), SAID);
  assert.deepEqual(source.asked, [], 'all births are in the stretch');
  for (let from = 1; from < 5; from++) assert.deepEqual(await decoded(new Births(source), source.chunk(from, 5)), SAID.slice(from));
  source.asked.length = 0;
  const births = new Births(source);
  for (let from = 3; from < 5; from++) assert.deepEqual(await decoded(births, source.chunk(from, from + 1)), [SAID[from]]);
  assert.deepEqual(await decoded(births, source.chunk(3, 5)), SAID.slice(3));
  assert.deepEqual(source.asked, [2, 0], 'each birth is read once');
});

test('memory for births is bounded: the ones not used go, and are read again', async () => {
  const source = new Journal();
  const wide = (tag: string) =>
    Array.from({ length: 3000 }, (_, i): SparkplugMetric => ({ name: `${tag}/${'x'.repeat(50)}${i}`, alias: String(i) }));
  for (let i = 0; i < 45; i++) source.add('NBIRTH', wide(`n${i}`));
  for (let i = 0; i < 45; i++) source.add('NDATA', [value(i)], i);
  const births = new Births(source);
  for (let round = 0; round < 2; round++) await decoded(births, source.chunk(45, 90));
  assert.equal(source.asked.length > 45, true, 'some were read twice');
  source.asked.length = 0;
  await decoded(births, source.chunk(89, 90));
  assert.deepEqual(source.asked, [], 'the last one is still there');
});

test('a record that refers to what is no birth is kept without observations', async () => {
  const source = journal();
  source.add('NDATA', [value(6)], 1);
  source.add('NDATA', [value(6)], 6);
  assert.deepEqual((await decoded(new Births(source), source.chunk(0, 7))).slice(5), ['opaque', 'opaque']);
});

test('a stretch whose births cannot be read now is not read wrongly', async () => {
  const source = journal();
  const births = new Births({ feed: () => Promise.reject(new Error('away')) });
  await assert.rejects(births.framesOf(source.chunk(1, 2)), /away/);
});
