import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatasetRegistry, encodeRecord } from '@airtight/protocol';
import { decodeFrame, type JournalEvent } from './decoder.ts';

const RECEIVED_AT = 1_735_689_600_000;

function decode(payload: string, receivedAt = RECEIVED_AT): JournalEvent {
  const header = { v: 1, agency: 'a', dataset: 'cold', producer: 'p', receivedAt, door: 'mqtt', contentType: 'application/json' } as const;
  const body = Buffer.concat([Uint8Array.of(0), encodeRecord(header, Buffer.from(payload))]);
  return decodeFrame({ position: 7, body }, new DatasetRegistry());
}

test('a SenML pack becomes observations; relative times refer to the receipt that is on record', () => {
  const pack = '[{"bn":"urn:dev:ow:1:","n":"temp","u":"Cel","t":-60,"v":4.6},{"n":"temp","u":"Cel","v":4.7},{"n":"door","vb":true}]';
  const event = decode(pack);
  assert.ok(event.kind === 'readings');
  assert.deepEqual(
    event.observations.map(({ observedProperty, phenomenonTime, result, unit, flags, position }) => [
      observedProperty,
      phenomenonTime - RECEIVED_AT,
      result,
      unit,
      flags,
      position,
    ]),
    [
      ['temp', -60_000, 4.6, 'Cel', [], 7],
      ['temp', 0, 4.7, 'Cel', [], 7],
      ['door', 0, true, '', [], 7],
    ],
  );
  assert.deepEqual(
    event.readings.map(({ observations }) => observations.length),
    [1, 2],
  );
  assert.deepEqual(decode(pack), event, 'read again, the record says the same');
});

test('a record this version cannot read is kept without observations', () => {
  const event = decode('[{"n":"photo","vd":"aGkgCg"}]');
  assert.equal(event.kind, 'opaque');
});
