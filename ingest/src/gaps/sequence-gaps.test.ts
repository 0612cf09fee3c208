import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRecord, GAPS_DATASET, type GapRecord, type RecordHeader } from '@airtight/protocol';
import { messageIdOf, SequenceGaps } from './sequence-gaps.ts';

const WINDOW_MS = 60_000;
const START = Date.UTC(2026, 10, 22);

/** A journal of frames' bodies into which what is told is written, as ingest does. */
class Journal {
  readonly bodies: Buffer[] = [];
  readonly gaps: GapRecord[] = [];
  watch = new SequenceGaps(WINDOW_MS, 0);
  now = START;

  add(header: Partial<RecordHeader>, payload: object = {}): void {
    const full = {
      v: 1,
      agency: 'bj',
      dataset: 'air',
      producer: 's1',
      receivedAt: this.now,
      door: 'mqtt',
      contentType: 'application/json',
      ...header,
    };
    const body = Buffer.concat([Buffer.of(0), encodeRecord(full as RecordHeader, Buffer.from(JSON.stringify(payload)))]);
    this.bodies.push(body);
    for (const gap of this.watch.take(body)) this.tell(gap);
  }

  tell(gap: GapRecord): void {
    this.gaps.push(gap);
    this.add({ agency: 'airtight', dataset: GAPS_DATASET, producer: 'ingest', door: 'internal', messageId: messageIdOf(gap) }, gap);
  }

  seq(n: number, producer = 's1'): void {
    this.now += 1000;
    this.add({ messageId: `seq:${n}`, producer });
  }

  pass(ms: number): void {
    this.now += ms;
    this.add({ agency: 'airtight', dataset: 'sys.ticks', producer: 'ingest', door: 'internal', messageId: `id:${this.now}` });
  }
}

test('a gap is told after the window, once, and closed when its numbers come', () => {
  const journal = new Journal();
  for (const n of [100, 101, 105, 106]) journal.seq(n);
  journal.seq(7, 's2');
  assert.equal(journal.gaps.length, 0, 'they may still come');
  journal.pass(WINDOW_MS);
  journal.pass(WINDOW_MS);
  assert.deepEqual(journal.gaps, [
    {
      ...{ type: 'gap', gap: '2-102', agency: 'bj', dataset: 'air', producer: 's1', first: 102, last: 104, after: 1, before: 2 },
      ...{ noticedAt: START + 3000, missing: [[102, 104]] },
    },
  ]);
  journal.seq(103);
  journal.pass(10_000);
  journal.seq(102);
  journal.seq(104);
  journal.pass(10_000);
  journal.pass(WINDOW_MS);
  assert.deepEqual(
    journal.gaps.slice(1).map(({ gap, missing }) => [gap, missing]),
    [
      [
        '2-102',
        [
          [102, 102],
          [104, 104],
        ],
      ],
      ['2-102', [[104, 104]]],
      ['2-102', []],
    ],
  );
});

test('what comes out of order within the window is no gap; imported history is not watched', () => {
  const journal = new Journal();
  for (const n of [1, 2, 5, 4, 3, 6]) journal.seq(n);
  for (const n of [1, 9]) journal.add({ door: 'file', dataset: 'old', messageId: `seq:${n}` });
  journal.pass(WINDOW_MS * 2);
  assert.deepEqual(journal.gaps, []);
});

test('going through the same frames again, from any state on the way, says the same', () => {
  const journal = new Journal();
  const states = [];
  for (let n = 0; n < 300; n++) {
    if (n % 17 !== 0 || n === 0) journal.seq(n);
    if (n % 40 === 39) journal.seq(n - (n % 17));
    if (n % 50 === 49) states.push(structuredClone(journal.watch.state()));
  }
  journal.pass(WINDOW_MS * 2);
  assert.ok(journal.gaps.length >= 10);
  for (const state of [undefined, ...states]) {
    const again = new SequenceGaps(WINDOW_MS, 0, state);
    const told = new Set<string>();
    for (const body of journal.bodies.slice(again.position)) for (const gap of again.take(body)) told.add(JSON.stringify(gap));
    const known = new Set(journal.gaps.map((gap) => JSON.stringify(gap)));
    assert.deepEqual(
      [...told].filter((gap) => !known.has(gap)),
      [],
    );
    assert.deepEqual(again.state(), journal.watch.state());
  }
});

test('a device that jumps about is not put on record gap by gap, and that is counted', () => {
  const journal = new Journal();
  for (let n = 0; n < 400; n++) journal.seq(n * 50);
  journal.pass(WINDOW_MS);
  const minutes = 400 / 60 + 1;
  assert.ok(journal.gaps.length <= 10 + minutes + 1, `${journal.gaps.length} records`);
  assert.ok(journal.watch.unrecorded > 0);
  assert.ok(journal.gaps.some(({ unrecorded = 0 }) => unrecorded > 0));
});
