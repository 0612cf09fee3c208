import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode } from 'cborg';
import { resolveSenml } from './senml.ts';
import { parseSenmlCbor, SENML_CBOR_DEPTH_MAX } from './senml-cbor.ts';

const EXAMPLES = join(import.meta.dirname, '../../../shared/data/payload-senml');
/** RFC 8428 §6.1: the pack of §5.1.2 in CBOR. */
const RFC_EXAMPLE =
  '87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c7461676501615602fb405e066666666666' +
  'a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccda3006763757272656e74062202fb3ff6666666666666' +
  'a3006763757272656e74062102f93e00a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333';

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const map = (entries: readonly (readonly [unknown, unknown])[]): Map<unknown, unknown> => new Map(entries);
function packOf(bytes: Uint8Array): readonly unknown[] {
  const parsed = parseSenmlCbor(bytes);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.pack;
}
function refusalOf(bytes: Uint8Array): string {
  const parsed = parseSenmlCbor(bytes);
  return parsed.ok ? 'taken' : `${parsed.reason}: ${parsed.detail}`;
}

test('the example of the RFC, in both forms', () => {
  const json = [
    { bn: 'urn:dev:ow:10e2073a0108006:', bt: 1276020076.001, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
    ...[1.2, 1.3, 1.4, 1.5, 1.6, 1.7].map((v, i) => ({ n: 'current', t: i - 5, v })),
  ];
  assert.deepEqual(resolveSenml(packOf(hex(RFC_EXAMPLE)), 0), resolveSenml(json, 0));
});

test('the published CBOR file resolves as its JSON twin', (t) => {
  if (!existsSync(EXAMPLES)) return t.skip('../shared/data/payload-senml is not there');
  const resolved = resolveSenml(packOf(readFileSync(join(EXAMPLES, 'ex3.gen.cbor'))), 0);
  assert.ok(resolved.ok);
  assert.deepEqual(resolved.records, JSON.parse(readFileSync(join(EXAMPLES, 'ex3.gen.resolved.json'), 'utf8')));
});

test('every label and every kind of value', () => {
  const pack = [
    map([
      [-1, 10],
      [-2, 'dev:'],
      [-3, 1e9],
      [-4, 'Cel'],
      [-5, 1],
      [-6, 2],
      [0, 'a'],
      [1, 'K'],
      [2, 3],
      [5, 4],
      [6, 5],
      [7, 6],
    ]),
    map([
      [0, 'b'],
      [3, 'text'],
    ]),
    map([
      [0, 'c'],
      [4, true],
    ]),
    map([
      [0, 'd'],
      [8, new TextEncoder().encode('hi \n')],
    ]),
    map([
      ['future', 1],
      [0, 'e'],
      [2, 2n ** 60n],
    ]),
  ];
  assert.deepEqual(
    packOf(encode(pack)).map((record) => ({ ...(record as object) })),
    [
      { bver: 10, bn: 'dev:', bt: 1e9, bu: 'Cel', bv: 1, bs: 2, n: 'a', u: 'K', v: 3, s: 4, t: 5, ut: 6 },
      { n: 'b', vs: 'text' },
      { n: 'c', vb: true },
      { n: 'd', vd: 'aGkgCg' },
      { future: 1, n: 'e', v: 2 ** 60 },
    ],
  );
});

test('decimal fractions (tag 4) are exact, indefinite lengths are read', () => {
  // [{0: "a", 2: 4([-1, 235])}] = 23.5
  assert.deepEqual({ ...(packOf(hex('81a200616102c4822018eb'))[0] as object) }, { n: 'a', v: 23.5 });
  assert.deepEqual({ ...(packOf(hex('9fbf0061610201ffff'))[0] as object) }, { n: 'a', v: 1 });
});

test('what is no pack is refused', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^pack/],
    ['00', /^pack: no array/],
    ['8101', /^pack: record 0 is no map/],
    ['81a200616102', /^pack/],
    ['81a2006161020100', /^pack/],
    ['81a20061610061 62'.replace(' ', ''), /^pack: .*repeat map key/],
    ['81a109f5', /^label/],
    ['81a1616e6161', /^label/],
    ['81a1006163ff', /^pack/],
    ['81a10061ff', /^pack/],
    ['81a102c48201fb3ff8000000000000', /^pack/],
    ['81a102c4821903e901', /^pack: .*exponent 1001/],
    ['81a102c101', /^pack: .*tag not supported/],
    ['9bffffffffffffffff', /^pack/],
    ['81a1f70102', /^pack/],
    ['ff', /^pack/],
  ];
  for (const [bytes, wanted] of cases) assert.match(refusalOf(hex(bytes)), wanted, bytes);
});

test('nesting is bounded before the decoder recurses', () => {
  const nested = (depth: number): Uint8Array => hex(`81a1617${'8'}${'81'.repeat(depth)}00`);
  assert.equal(refusalOf(nested(SENML_CBOR_DEPTH_MAX - 2)), 'taken');
  assert.match(refusalOf(nested(SENML_CBOR_DEPTH_MAX - 1)), /nested deeper/);
  for (const byte of ['81', '9f', 'a1', 'bf', 'c4']) assert.match(refusalOf(hex(byte.repeat(200_000))), /nested deeper|tag/, byte);
  // Siblings are no levels: many records stay flat.
  assert.equal(
    packOf(
      encode(
        Array.from({ length: 1000 }, () =>
          map([
            [0, 'a'],
            [2, 1],
          ]),
        ),
      ),
    ).length,
    1000,
  );
});
