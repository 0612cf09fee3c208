import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatAnswer,
  formatHj212,
  frameHj212,
  HJ212_FRAME_MAX_BYTES,
  HJ212_SEGMENT_MAX_BYTES,
  type Hj212Cut,
  Hj212Cutter,
  parseHj212,
  unframeHj212,
  wantsAnswer,
  withoutPassword,
} from './hj212.ts';

const SEGMENT =
  'QN=20260801085857223;ST=22;CN=2011;PW=100000;MN=010000A8900016F000169DC0;Flag=5;' +
  'CP=&&DataTime=20260801085800;a34004-Rtd=35,a34004-Flag=N;a21005-Rtd=0.8,a21005-Flag=D&&';
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const told = (cuts: readonly Hj212Cut[]): string[] => cuts.map((cut) => (cut.ok ? textOf(cut.segment) : cut.fault));

test('the data segment comes apart as it is written', () => {
  const parsed = parseHj212(SEGMENT);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.value, {
    qn: '20260801085857223',
    st: '22',
    cn: '2011',
    pw: '100000',
    mn: '010000A8900016F000169DC0',
    flag: 5,
    groups: [
      [{ key: 'DataTime', value: '20260801085800' }],
      [
        { key: 'a34004-Rtd', value: '35' },
        { key: 'a34004-Flag', value: 'N' },
      ],
      [
        { key: 'a21005-Rtd', value: '0.8' },
        { key: 'a21005-Flag', value: 'D' },
      ],
    ],
  });
  assert.equal(formatHj212(parsed.value), SEGMENT);
  const part = parseHj212('ST=22;CN=2011;PW=1;MN=M;Flag=7;PNUM=2;PNO=1;CP=&&&&');
  assert.ok(part.ok);
  assert.deepEqual([part.value.pnum, part.value.pno, part.value.groups], [2, 1, []]);
});

test('what is no data segment is refused', () => {
  const bad = [
    '',
    'ST=22;CN=2011;PW=1;MN=M',
    'ST=22;CN=2011;PW=1;CP=&&&&',
    'ST=22;CN=20;PW=1;MN=M;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;Flag=256;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;MN=N;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;PNO=1;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;PNUM=1;PNO=2;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;QN=2026;CP=&&&&',
    'ST=22;CN=2011;PW=1;MN=M;CP=&&a&&',
    'ST=22;CN=2011;PW=1;MN=M;CP=&&a=1=2&&',
    'ST=22;CN=2011;PW=1;MN=é;CP=&&&&',
  ];
  for (const text of bad) {
    const parsed = parseHj212(text);
    assert.equal(parsed.ok ? 'accepted' : parsed.fault, 'segment', text);
  }
  const secret = parseHj212('ST=22;CN=2011;PW=se cret;MN=M;CP=&&&&');
  assert.ok(!secret.ok && !secret.detail.includes('se cret'), 'a password is in no diagnostic');
});

test('an answer repeats QN and MN, keeps the version and asks for nothing', () => {
  const parsed = parseHj212(SEGMENT);
  assert.ok(parsed.ok);
  assert.equal(wantsAnswer(parsed.value), true);
  const opened = unframeHj212(formatAnswer(parsed.value, '9014'));
  assert.ok(opened.ok);
  assert.equal(textOf(opened.value), 'QN=20260801085857223;ST=91;CN=9014;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&');
  const version2025 = parseHj212(SEGMENT.replace('Flag=5', 'Flag=11'));
  assert.ok(version2025.ok);
  assert.match(textOf(formatAnswer(version2025.value, '9014')), /;Flag=8;/);
  assert.equal(wantsAnswer({ ...parsed.value, flag: 4 }), false);
});

test('frames are found however the stream is cut', () => {
  const second = SEGMENT.replace('223;', '224;');
  const stream = Buffer.concat([frameHj212(SEGMENT), frameHj212(second)]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const cutter = new Hj212Cutter();
    const cuts = [...cutter.push(stream.subarray(0, cut)), ...cutter.push(stream.subarray(cut))];
    assert.deepEqual(told(cuts), [SEGMENT, second], `cut at ${cut}`);
    assert.equal(cutter.pendingBytes, 0);
  }
  const cutter = new Hj212Cutter();
  assert.deepEqual(told([...stream].flatMap((byte) => cutter.push(Uint8Array.of(byte)))), [SEGMENT, second], 'byte by byte');
});

test('after what is no frame the next frame is found', () => {
  const good = textOf(frameHj212(SEGMENT));
  const cases: [string, string[]][] = [
    [`hello${good}`, ['garbage', SEGMENT]],
    [`\r\n${good}\r\n${good}`, [SEGMENT, SEGMENT]],
    [`#${good}`, ['length', SEGMENT]],
    [good.replace('a34004-Rtd=35', 'a34004-Rtd=36') + good, ['crc', SEGMENT]],
    [good.replace(/^##0(\d+)Q/, '##0100Q') + good, ['end', SEGMENT]],
    [`##9999${good}`, ['length', SEGMENT]],
    [`##12x4${good}`, ['length', SEGMENT]],
    [good.slice(0, 50) + good + good, ['end', SEGMENT, SEGMENT]],
  ];
  for (const [stream, expected] of cases) {
    const whole = told(new Hj212Cutter().push(bytesOf(stream)));
    assert.deepEqual(whole, expected, stream.slice(0, 20));
    const cutter = new Hj212Cutter();
    assert.deepEqual(told([...bytesOf(stream)].flatMap((byte) => cutter.push(Uint8Array.of(byte)))), expected, 'byte by byte');
  }
});

test('the longest segment passes, a longer one does not', () => {
  const text = 'x'.repeat(HJ212_SEGMENT_MAX_BYTES);
  assert.equal(frameHj212(text).length, HJ212_FRAME_MAX_BYTES);
  assert.deepEqual(told(new Hj212Cutter().push(frameHj212(text))), [text]);
  assert.throws(() => frameHj212(`${text}x`), RangeError);
});

test('mutated streams never throw, never gather more than a frame, and never hide the frame that comes after', () => {
  let state = 212;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const frame = frameHj212(SEGMENT);
  const cutter = new Hj212Cutter();
  for (let round = 0; round < 20_000; round++) {
    const mutated = frame.slice(0, random(8) === 0 ? random(frame.length) : frame.length);
    for (let i = random(4); i > 0 && mutated.length > 0; i--) mutated[random(mutated.length)] = random(256);
    const at = random(mutated.length + 1);
    for (const cut of [...cutter.push(mutated.subarray(0, at)), ...cutter.push(mutated.subarray(at))]) {
      if (cut.ok) parseHj212(textOf(cut.segment));
    }
    parseHj212(textOf(mutated.subarray(6, -6)));
    assert.ok(cutter.pendingBytes < HJ212_FRAME_MAX_BYTES);
  }
  // A broken length may claim as much as a frame; what it claimed is looked through again.
  const flushed = [cutter.push(new Uint8Array(HJ212_FRAME_MAX_BYTES)), cutter.push(frame)].flat();
  assert.equal(told(flushed).at(-1), SEGMENT);
});

test('a data segment without its password has every other byte', () => {
  const without = (text: string): string => Buffer.from(withoutPassword(Buffer.from(text, 'latin1'))).toString('latin1');
  assert.equal(without('ST=22;CN=2011;PW=123456;MN=M;CP=&&PW=7;a=1&&'), 'ST=22;CN=2011;MN=M;CP=&&PW=7;a=1&&');
  assert.equal(without('PW=123456;ST=22;CP=&&\xff&&'), 'ST=22;CP=&&\xff&&');
  assert.equal(without('ST=22;PW=;CP=&&&&'), 'ST=22;CP=&&&&');
  assert.equal(without('ST=22;QW=123456;MN=M;CP=&&&&'), 'CP=&&&&', 'a damaged name');
  assert.equal(without('ST=22;PW123456;MN'), '');
  assert.equal(without('ST=22;PW=123456;MN=M'), 'ST=22;MN=M');
});
