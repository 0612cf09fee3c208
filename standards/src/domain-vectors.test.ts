/** The shared vectors of the domain (official tables and examples), group by group, against the files of this package. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { decodeStatusList, statusAt, statusPlace } from './bitstring-status-list.ts';
import { cceFault } from './cce-interop.ts';
import { type DaqiPollutant, daqiOf } from './daqi.ts';
import { drandRandomness, drandUnchainedMessage } from './drand.ts';
import { type EaqiPollutant, eaqiOf } from './eaqi.ts';
import { ed25519KeyOf, eddsaJcsHashData, fromBase58Multibase } from './eddsa-jcs-2022.ts';
import { type EpcisEvent, epcisEventId, epcisPreHash } from './epcis-hash.ts';
import { type Average, isValidAverage } from './gb3095.ts';
import { formatRounded } from './gbt8170.ts';
import { formatHj212, frameHj212, hj212Crc, parseHj212, unframeHj212 } from './hj212.ts';
import { AQI_LEVELS, type CnAqiMode, type CnAqiStandard, type CnPollutant, dailyReport, iaqi } from './hj633.ts';
import { isValidOzoneDay } from './hj663.ts';
import { type JjjVersion, jjjGrade } from './jjj-alerts.ts';
import { MeanKineticTemperature } from './mkt.ts';
import { nowCast } from './nowcast.ts';
import { flatLine, type QartodFlag, rateOfChange, spike } from './qartod.ts';
import { rfc3797Digest, rfc3797Key, rfc3797Select } from './rfc3797.ts';
import { convert, REFERENCE_STATES, type ReferenceState } from './units.ts';
import { type UsAqiColumn, usAqi, usIndex, usTruncated } from './us-aqi.ts';
import { alarms, type FridgeSample } from './who-pqs.ts';
import { type ShippingIndicatorType, type ShippingSample, shippingAlarms } from './who-pqs-tr07.ts';

// biome-ignore lint/suspicious/noExplicitAny: each group of the file has its own shape
type Case = any;
const VECTORS = join(import.meta.dirname, '../../../shared/vectors/domain-vectors.json');

/** Cases that were run, by group: the last test of this file holds them against the file. */
const run = new Map<string, string[]>();
/** What a case says about itself, and no test could check. */
const REMARKS = ['id', 'name', 'why', 'unit', 'official', 'note', 'source'];

/** @param remarks members beyond REMARKS that this group does not ask to be checked, each with its reason at the call */
function eachCase(group: string, check: (item: Case) => void, remarks: readonly string[] = []): void {
  test(`vectors ${group}`, (t) => {
    if (!existsSync(VECTORS)) return t.skip('domain-vectors.json is not there');
    const { groups } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { groups: { id: string; cases: Case[] }[] };
    const cases = groups.find(({ id }) => id === group)?.cases ?? [];
    assert.ok(cases.length > 0, `no group ${group}`);
    for (const item of cases) {
      const unread = new Set(Object.keys(item).filter((key) => ![...REMARKS, ...remarks].includes(key)));
      check(noting(item, (key) => unread.delete(key)));
      assert.deepEqual([...unread], [], `${item.id}: of the case this was not looked at`);
    }
    run.set(
      group,
      cases.map(({ id }) => id),
    );
  });
}

/** The case itself, telling which of its members are looked at. */
function noting(item: Case, looked: (key: string) => void): Case {
  return new Proxy(item, {
    get(target, key) {
      if (typeof key === 'string') looked(key);
      return target[key];
    },
  });
}

/** The vectors name the averaging time of ozone; our modes imply it. */
function pollutantOf(name: string): CnPollutant {
  return name.replace(/_(8h|1h)$/, '') as CnPollutant;
}

function index(standard: CnAqiStandard, item: Case): number | null {
  return iaqi(standard, item.mode as CnAqiMode, pollutantOf(item.pollutant), item.c);
}

eachCase('cn26-edges', (item) => assert.equal(index('HJ 633-2026', item), item.iaqi, item.id));
eachCase('cn12-edges', (item) => assert.equal(index('HJ 633-2012', item), item.iaqi, item.id));
eachCase('cn26-rounding', (item) => {
  assert.equal(index('HJ 633-2026', item), item.iaqi, item.id);
  assert.equal(index('HJ 633-2012', item), item.iaqi_2012, item.id);
  assert.equal(index('HJ 633-2026', { ...item, c: Number(item.c) }), item.iaqi, `${item.id} as a double`);
});

const LEVELS_ZH = ['一级', '二级', '三级', '四级', '五级', '六级'];
eachCase('cn26-daily-report', ({ conc, missing = [], notMonitored = [], expect, id }) => {
  assert.deepEqual(
    Object.keys(conc).filter((name) => missing.includes(name)),
    [],
    id,
  );
  const concentrations = Object.fromEntries(Object.entries(conc).map(([name, c]) => [pollutantOf(name), Number(c)]));
  const report = dailyReport('HJ 633-2026', concentrations, notMonitored.map(pollutantOf));
  const indices = Object.fromEntries(Object.entries(expect.iaqi).map(([name, value]) => [pollutantOf(name), value]));
  assert.deepEqual(report.iaqi, indices, id);
  assert.equal(report.aqi ?? 'NA', expect.aqi, id);
  assert.deepEqual(report.primary, (expect.primary ?? []).map(pollutantOf), id);
  assert.equal(AQI_LEVELS.find(({ level }) => level === report.level)?.zh, expect.cls, id);
  assert.equal(LEVELS_ZH[(report.level ?? 0) - 1], expect.level, id);
  assert.equal(report.aqi !== null, expect.published ?? true, id);
});

// Table 4 asks the same of every pollutant of a row, so the rules are not told which it is.
eachCase(
  'cn-validity',
  (item) => {
    // The largest 8 h mean of a day is a rule of HJ 663, not of GB 3095.
    const isOzoneDay = item.period === 'day' && item.valid_8h_means !== undefined;
    const valid = isOzoneDay ? isValidOzoneDay(item.valid_8h_means, item.max) : isValidAverage(averageOf(item));
    assert.equal(valid, item.valid, item.id);
  },
  ['pollutant'],
);

/** A case names one month at most; the other months are full. */
function averageOf(item: Case): Average {
  if (item.period !== 'year') return { period: item.period, hours: item.hours, minutes: item.minutes } as Average;
  const months = Array.from({ length: 12 }, () => 28);
  if (item.min_month !== undefined) months[0] = item.min_month;
  if (item.february !== undefined) months[1] = item.february;
  return { period: 'year', days: item.days, months };
}

eachCase('gbt8170', ({ x, digits, y, id }) => assert.equal(formatRounded(x, digits), y, id));

eachCase('coldchain-alarms', ({ series, expect, at, id }) => {
  const found = alarms(seriesOf(series));
  assert.deepEqual(
    found.map(({ code }) => code),
    expect,
    id,
  );
  if (at !== undefined) assert.equal(found[0]?.at, durationMs(at), id);
});

// What names the gas is its molar mass.
eachCase(
  'units',
  ({ ppb, M, T, P, ugm3, id }) => {
    const referenceState = `${T}K` as ReferenceState;
    assert.equal(Number(REFERENCE_STATES[referenceState].pascal), Number(P) * 1000, id);
    assert.equal(convert(Number(ppb), '[ppb]', 'ug/m3', { molarMass: Number(M), referenceState })?.toFixed(3), ugm3, id);
  },
  ['gas'],
);

const MINUTE = 60_000;

/** "TVC 8.1 for 6 h, 7.9 for 15 min": samples every 15 min, both ends included. "door open 300 s continuous": its two ends. */
function seriesOf(text: string): FridgeSample[] {
  const door = /^door open (.*)$/.exec(text);
  if (door !== null) return [0, durationMs(door[1] as string)].map((at) => ({ at, doorOpen: true }));
  const samples: FridgeSample[] = [];
  let from = 0;
  for (const [, tvc, duration] of text.matchAll(/(-?[\d.]+) for ((?:\d+ (?:h|min|s) ?)+)/g)) {
    const to = from + durationMs(duration as string);
    for (let at = samples.length === 0 ? 0 : from + 15 * MINUTE; at <= to; at += 15 * MINUTE) samples.push({ at, tvc: Number(tvc) });
    from = to;
  }
  assert.ok(samples.length > 0, `no series in ${text}`);
  return samples;
}

function durationMs(text: string): number {
  const unitMs: { readonly [unit: string]: number } = { h: 60 * MINUTE, min: MINUTE, s: 1000 };
  return [...text.matchAll(/(\d+) (h|min|s)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * (unitMs[unit as string] as number), 0);
}

eachCase('mkt', ({ temps, durations, mkt, id }) => {
  const mean = new MeanKineticTemperature();
  for (const [at, celsius] of (temps as number[]).entries()) mean.add(celsius, durations?.[at] ?? 1);
  // The tolerance the vectors name.
  assert.ok(Math.abs(mean.celsius - Number(mkt)) <= 0.001, id);
});

eachCase('us-aqi-tad', ({ pollutant, c, truncated, aqi, multi, main, so2, id }) => {
  if (multi !== undefined) {
    const report = usAqi(Object.fromEntries(Object.entries(multi).map(([column, value]) => [column, Number(value)])));
    assert.deepEqual([report.aqi, report.main], [aqi, [main]], id);
  } else if (so2 !== undefined) {
    for (const [max1h, mean24h] of [
      [305, 304.9],
      [700, 0],
    ] as const)
      assert.equal(usAqi({ so2_1h: max1h, so2_24h: mean24h }).aqi, aqi, id);
  } else {
    assert.equal(usIndex(pollutant, Number(c)), aqi, id);
    if (truncated !== undefined) assert.equal(`${usTruncated(pollutant, Number(c))}`, truncated, id);
  }
});
for (const group of ['us-aqi-edges', 'us-aqi-trunc']) {
  eachCase(group, ({ pollutant, c, aqi, id }) => assert.equal(usIndex(pollutant as UsAqiColumn, Number(c)), aqi, id));
}

function checkNowCast(hours: readonly (number | null)[], raw: number, truncated: string, aqi: number, id: string): void {
  const found = nowCast('pm25', hours);
  assert.ok(found !== null, id);
  // The vectors print 12 decimals at least.
  assert.ok(Math.abs(found.raw - raw) < 1e-12, `${id} ${found.raw}`);
  assert.equal(found.value, Number(truncated), id);
  assert.equal(usIndex('pm25_24h', found.value), aqi, id);
}
// The index of 2012 has been replaced in 2024, and is not here.
eachCase('nowcast-epa', (item) => checkNowCast(item.hours, item.nowcast_raw, item.nowcast_published, item.aqi_2024, item.id), [
  'aqi_2012_table',
]);
eachCase('nowcast-rules', ({ hours, expect, id }) => {
  if (expect === null) assert.equal(nowCast('pm25', hours), null, id);
  else checkNowCast(hours, expect.nowcast_raw, expect.truncated, expect.aqi_2024, id);
});

eachCase('eaqi', ({ pollutant, c, index: own, id }) => assert.equal(eaqiOf(pollutant as EaqiPollutant, Number(c)), own, id));
eachCase('daqi', ({ pollutant, c, index: own, id }) => assert.equal(daqiOf(pollutant as DaqiPollutant, Number(c)), own, id));

eachCase('qartod', (item) => {
  const x = item.x as (number | null)[];
  assert.deepEqual(
    x.map((_, i) => qartodFlag(item, x, i)),
    item.flags,
    item.id,
  );
});

function qartodFlag(item: Case, x: readonly (number | null)[], i: number): QartodFlag {
  const timed = (at: number) => ({ at: at * item.step_s * 1000, value: x[at] });
  switch (item.test) {
    case 'spike':
      return spike(x[i - 1], x[i], x[i + 1], { suspect: item.suspect, fail: item.fail });
    case 'rate_of_change':
      return rateOfChange(i === 0 ? undefined : timed(i - 1), timed(i), { suspect: item.threshold_per_s });
    case 'flat_line':
      return flatLine(x.slice(0, i + 1), {
        tolerance: item.tolerance,
        suspectS: item.suspect_s,
        failS: item.fail_s,
        intervalS: item.step_s,
      });
    default:
      throw new Error(`no test ${item.test}`);
  }
}

eachCase('shipping-indicator', ({ type, series, alarm, id }) => {
  assert.equal(shippingAlarms(type as ShippingIndicatorType, journeyOf(series)).length > 0, alarm, id);
});

/** "30.0 C for 6 h, 5 C for 20 h": samples every 15 min. "10.0 C total 20 h": two halves with an hour of 5 °C between them. */
function journeyOf(text: string): ShippingSample[] {
  const stretches = [...text.matchAll(/(-?[\d.]+) C (for|total) (\d+ h)/g)].flatMap(([, celsius, kind, duration]) => {
    const stretch = { celsius: Number(celsius), forMs: durationMs(duration as string) };
    const half = { ...stretch, forMs: stretch.forMs / 2 };
    return kind === 'for' ? [stretch] : [half, { celsius: 5, forMs: 60 * MINUTE }, half];
  });
  assert.ok(stretches.length > 0, `no series in ${text}`);
  const samples: ShippingSample[] = [];
  let at = 0;
  for (const { celsius, forMs } of stretches) {
    for (const end = at + forMs; at < end; at += 15 * MINUTE) samples.push({ at, celsius });
  }
  return [...samples, { at, celsius: 5 }];
}

eachCase('jjj-alerts', ({ aqi24h, id, ...levels }) => {
  for (const name of ['mee_2024', 'mee_2018', 'jjj_2016']) {
    assert.equal(jjjGrade(name.replace('_', '-') as JjjVersion, aqi24h) ?? 'none', levels[name], `${id} ${name}`);
  }
});

// Who stands behind the numbers is not in the file.
eachCase(
  'rfc3797',
  ({ sources, key, pool, digests, first_digest, selected, selected_first10, id }) => {
    if (sources !== undefined) assert.equal(rfc3797Key(sources), key, id);
    for (const [draw, digest] of (digests ?? [first_digest]).entries())
      assert.equal(bytesToHex(rfc3797Digest(key, draw)).toUpperCase(), digest, `${id} ${draw}`);
    const expected = selected ?? selected_first10;
    assert.deepEqual(rfc3797Select(key, pool, expected.length), expected, id);
  },
  ['names_first10'],
);

/** drand-03 is the beacon of drand-01 with another round. The BLS library is the tests' alone: see drand.ts. */
eachCase('drand', ({ same_as, scheme, round, randomness, signature, public_key, randomness_is_sha256_of_signature, valid, id }) => {
  const own = { scheme, randomness, signature, public_key, randomness_is_sha256_of_signature };
  const of = same_as === undefined ? own : beacon(same_as);
  assert.deepEqual([of.scheme, of.randomness_is_sha256_of_signature], ['pedersen-bls-unchained', true], id);
  const { longSignatures } = bls12_381;
  const point = longSignatures.hash(drandUnchainedMessage(round), 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_');
  const isValid = longSignatures.verify(longSignatures.Signature.fromHex(of.signature), point, bls12_381.G1.Point.fromHex(of.public_key));
  assert.equal(isValid, valid, id);
  assert.equal(bytesToHex(drandRandomness(hexToBytes(of.signature))), of.randomness, id);
});

function beacon(id: string): Case {
  const { groups } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { groups: { cases: Case[] }[] };
  return groups.flatMap(({ cases }) => cases).find((item) => item.id === id);
}

const LIST_MAX_BYTES = 1 << 20;
eachCase('status-list', ({ encodedList, bytes, all_zero, set_index, byte, mask, id }) => {
  if (encodedList !== undefined) {
    const bits = decodeStatusList(encodedList, (compressed) => gunzipSync(compressed, { maxOutputLength: LIST_MAX_BYTES }));
    assert.equal(bits?.length, bytes, id);
    assert.equal(
      bits?.every((value) => value === 0),
      all_zero,
      id,
    );
    assert.equal(
      decodeStatusList(encodedList.slice(1), () => null),
      null,
    );
  } else {
    assert.deepEqual(statusPlace(set_index), { byte, mask: Number(mask) }, id);
    const bits = new Uint8Array(16_384);
    bits[byte] = Number(mask);
    assert.deepEqual(
      [set_index - 1, set_index, set_index + 1, 131_072].map((at) => statusAt(bits, at)),
      [false, true, false, null],
      id,
    );
  }
});

// The rule in words is what eddsaJcsHashData does.
eachCase(
  'vc-eddsa-jcs',
  ({ key, unsigned, proof_config, doc_hash, proof_hash, signature_hex, proof_value, id }) => {
    const data = eddsaJcsHashData(unsigned, proof_config);
    assert.equal(bytesToHex(data), proof_hash + doc_hash, id);
    const [signature, publicKey] = [fromBase58Multibase(proof_value), ed25519KeyOf(key.publicKeyMultibase)];
    assert.ok(signature !== null && publicKey !== null, id);
    assert.equal(bytesToHex(signature), signature_hex, id);
    assert.equal(ed25519.verify(signature, data, publicKey), true, id);
    assert.equal(ed25519.verify(signature, eddsaJcsHashData({ ...unsigned, name: '' }, proof_config), publicKey), false, id);
    assert.equal(ed25519KeyOf(proof_value), null, id);
  },
  ['rule'],
);

eachCase('epcis-hash', ({ event, prehash, event_id, id }) => {
  const namespaces = { example: 'https://ns.example.com/epcis/' };
  assert.equal(epcisPreHash(event, namespaces), prehash, id);
  assert.equal(epcisEventId(event, namespaces), event_id, id);
  // Order of fields, who recorded it and under which name are not what the event says.
  const named: EpcisEvent = { ...event, eventID: 'x', recordTime: '2026-01-01T00:00:00Z' };
  const reversed = Object.fromEntries(Object.entries(named).reverse());
  assert.equal(epcisEventId(reversed, namespaces), event_id, id);
});

eachCase('hj212', ({ frame, ok, length, crc, id }) => {
  const opened = unframeHj212(Buffer.from(frame, 'latin1'));
  assert.equal(opened.ok, ok, id);
  if (!opened.ok) return;
  const segment = Buffer.from(opened.value).toString('latin1');
  assert.equal(opened.value.length, length, id);
  assert.equal(hj212Crc(opened.value), Number.parseInt(crc, 16), id);
  const parsed = parseHj212(segment);
  assert.ok(parsed.ok, id);
  assert.equal(formatHj212(parsed.value), segment, id);
  assert.equal(
    Buffer.from(frameHj212(formatHj212(parsed.value)))
      .toString('latin1')
      .toUpperCase(),
    frame.toUpperCase(),
    id,
  );
});

eachCase('pqs-ds01', ({ doc, valid, id }) => assert.equal(cceFault(doc) === undefined, valid, id));

test('every case of the vectors was run, and every member of it looked at', (t) => {
  if (!existsSync(VECTORS)) return t.skip('domain-vectors.json is not there');
  const { groups, counts } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
    groups: { id: string; cases: { id: string }[] }[];
    counts: { groups: number; total: number };
  };
  const all = groups.flatMap(({ cases }) => cases.map(({ id }) => id));
  assert.deepEqual([...run.values()].flat().sort(), all.sort());
  assert.deepEqual([run.size, all.length], [counts.groups, counts.total]);
});
