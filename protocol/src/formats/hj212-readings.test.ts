import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHj212Readings } from './hj212-readings.ts';

const HEAD = 'QN=20261122100500123;ST=22;MN=M1;';
const read = (text: string) => toHj212Readings(Buffer.from(text, 'latin1'));
const codeOf = (text: string): string => {
  const outcome = read(text);
  return outcome.ok ? 'accepted' : outcome.code;
};

test('a real-time segment is a reading in China time, with flags as quality marks', () => {
  const segment =
    `${HEAD}CN=2011;Flag=5;CP=&&DataTime=20261122100500;a34004-Rtd=35.4,a34004-Flag=N;a21026-Rtd=-1,a21026-ZsRtd=2.5,a21026-Flag=M;` +
    'a99999-Rtd=7;011-Rtd=3;a01001-Rtd=,a01001-Flag=D;a34002-SampleTime=20261122100400;a34002-EFlag=A01&&';
  assert.deepEqual(read(segment), {
    ok: true,
    value: [
      {
        messageId: 'id:20261122100500123-2011-M1-1',
        time: Date.UTC(2026, 10, 22, 2, 5),
        measurements: [
          { property: 'pm25', result: 35.4 },
          { property: 'so2', result: -1, quality: 'M' },
          { property: 'so2_corrected', result: 2.5, quality: 'M' },
          { property: 'a99999', result: 7 },
          { property: 'c_011', result: 3 },
        ],
      },
    ],
  });
});

test('minute, hour and day values are properties of their own', () => {
  for (const [cn, period] of [
    ['2051', 'minute'],
    ['2061', 'hour'],
    ['2031', 'day'],
  ]) {
    const outcome = read(`${HEAD}CN=${cn};PNUM=2;PNO=2;CP=&&DataTime=20261122000000;a34002-Min=1,a34002-Avg=2,a34002-Max=3,a34002-Cou=4&&`);
    assert.ok(outcome.ok);
    assert.deepEqual(
      outcome.value[0]?.measurements.map(({ property, result }) => [property, result]),
      ['min', 'avg', 'max', 'sum'].map((suffix, i) => [`pm10_${period}_${suffix}`, i + 1]),
    );
    assert.equal(outcome.value[0]?.messageId, `id:20261122100500123-${cn}-M1-2`);
  }
});

test('a segment that holds no value is taken, and gives no reading', () => {
  for (const fields of ['DataTime=20261122100500', 'DataTime=20261122100500;a34004-Info=x,a34004-Flag=D'])
    assert.deepEqual(read(`${HEAD}CN=2011;CP=&&${fields}&&`), { ok: true, value: [] });
});

test('what cannot be read is refused with a code', () => {
  const at = (time: string) => `${HEAD}CN=2011;CP=&&DataTime=${time};a34004-Rtd=1&&`;
  assert.equal(codeOf(at('20261122100500')), 'accepted');
  for (const time of ['20260431000000', '20261122250000', '2026112210050', '00000000000000'])
    assert.equal(codeOf(at(time)), 'TIME_INVALID', time);
  assert.equal(codeOf(`${HEAD}CN=2011;CP=&&a34004-Rtd=1&&`), 'TIME_INVALID');
  assert.equal(codeOf(`${HEAD}CN=3020;CP=&&DataTime=20261122100500&&`), 'PAYLOAD_SHAPE');
  assert.equal(codeOf(at('20261122100500;a34004-Rtd=2')), 'PAYLOAD_SHAPE');
  assert.equal(codeOf('{"t":1}'), 'HJ212_MALFORMED');
});
