import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Schema, Validator } from '@cfworker/json-schema';
import { parseReadings } from '../records/reading.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { ReadingMessage, ReadingsMessage, SenmlMessage } from './mqtt-messages.ts';

const validators = [ReadingMessage, ReadingsMessage, SenmlMessage].map((schema) => new Validator(schema as Schema, '7'));
const isDescribed = (payload: unknown): boolean => validators.some((validator) => validator.validate(payload).valid);
const isRead = (payload: unknown): boolean => parseReadings(JSON.stringify(payload), Date.UTC(2026, 0, 1)).ok;

const m = { pm25: 1 };
const measurements = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, i]));

test('what the schemas describe is what is read, and nothing else', () => {
  const payloads: readonly (readonly [payload: unknown, good: boolean])[] = [
    [{ t: 0, m }, true],
    [{ t: 253_402_300_799_999, m }, true],
    [{ t: 253_402_300_800_000, m }, false],
    [{ t: -1, m }, false],
    [{ t: 1.5, m }, false],
    [{ t: '2026-01-01T08:00:00+08:00', m }, true],
    [{ t: '2026-01-01T08:00:00.123456789Z', m }, true],
    [{ t: '2026-01-01T08:00:00', m }, false],
    [{ t: '2026-01-01', m }, false],
    [{ m }, false],
    [{ t: 0 }, false],
    [{ t: 0, m: {} }, false],
    [{ t: 0, m: measurements(64) }, true],
    [{ t: 0, m: measurements(65) }, false],
    [{ t: 0, m: { 'pm2.5': 1 } }, false],
    [{ t: 0, m: { [`p${'x'.repeat(63)}`]: 1 } }, true],
    [{ t: 0, m: { [`p${'x'.repeat(64)}`]: 1 } }, false],
    [{ t: 0, m: { a: 'x'.repeat(256), b: true, c: { v: 1, u: 'ug/m3', q: 'N' }, d: { v: 'text' } } }, true],
    [{ t: 0, m: { a: 'x'.repeat(257) } }, false],
    [{ t: 0, m: { a: null } }, false],
    [{ t: 0, m: { a: { u: 'ug/m3' } } }, false],
    [{ t: 0, m: { a: { v: 1, u: '' } } }, false],
    [{ t: 0, m: { a: { v: 1, u: 'u'.repeat(33) } } }, false],
    [{ t: 0, m: { a: { v: 1, q: 'q'.repeat(17) } } }, false],
    [{ t: 0, m, id: 'x'.repeat(128) }, true],
    [{ t: 0, m, id: 'x'.repeat(129) }, false],
    [{ t: 0, m, id: '' }, false],
    [{ t: 0, m, id: 'a\nb' }, false],
    [{ t: 0, m, seq: 9_007_199_254_740_991 }, true],
    [{ t: 0, m, seq: -1 }, false],
    [{ t: 0, m, firmware: '1.2' }, true],
    [[{ t: 0, m }], true],
    [[], false],
    [Array.from({ length: 1000 }, (_, i) => ({ t: i, m })), true],
    [Array.from({ length: 1001 }, (_, i) => ({ t: i, m })), false],
    [[{ bn: 'urn:dev:ow:1:', bt: 1735689600, n: 'temp', u: 'Cel', v: 4.6 }], true],
    [[{ n: 'urn:x:temp', v: '4.6' }], false],
    [[{ n: 'urn:x:temp', t: '0', v: 4.6 }], false],
    [[{ n: 'urn:x:temp', v: 4.6, m }], false],
    ['text', false],
    [null, false],
  ];
  for (const [payload, good] of payloads) {
    const text = JSON.stringify(payload).slice(0, 80);
    assert.equal(isRead(payload), good, `read: ${text}`);
    assert.equal(isDescribed(payload), good, `described: ${text}`);
  }
});

test('every example of the document fits its own schema', () => {
  for (const [name, { payload, examples }] of Object.entries(asyncApiDocument().components.messages)) {
    assert.ok(examples.length > 0, name);
    for (const example of examples) assert.deepEqual(new Validator(payload as Schema, '7').validate(example.payload).errors, [], name);
  }
});
