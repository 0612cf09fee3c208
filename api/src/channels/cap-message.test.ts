/** What CAP documents say, and that each kind of them keeps the schema. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import { capDifferences } from '@airtight/protocol';
import type { CapAlert } from '@airtight/standards/cap.ts';
import { schemaFaults } from '../testing/cap-schema.ts';
import { ChannelScene, idOf, ORIGIN } from '../testing/channel-scene.ts';
import { AIR } from '../testing/deployment.ts';

const HOUR_MS = 3_600_000;
const NORTH = { zh: '北区', en: 'North' };
const shipped = new URL('../../../contracts-engine/contracts/', import.meta.url);

async function withScene(work: (scene: ChannelScene) => Promise<void>): Promise<void> {
  const scene = new ChannelScene();
  try {
    scene.station('s1', { region: NORTH, location: { lat: 39.9, lon: 116.4 } });
    scene.station('s2');
    await work(scene);
  } finally {
    await scene.end();
  }
}

/** Puts a shipped contract on record. @returns what its alerts name */
function enact(
  scene: ChannelScene,
  name: string,
  text = readFileSync(new URL(`${name}.yaml`, shipped), 'utf8'),
): { readonly contract: string; readonly version: string } {
  const version = contractVersion(text);
  scene.define({ type: 'contract', contract: name, version, text, author: 'airtight', approver: 'airtight' });
  return { contract: name, version };
}

const infosOf = ({ info = [] }: CapAlert) =>
  info.map(({ language, event, category, urgency, certainty }) => ({ language, event, category, urgency, certainty }));

test('every kind of document keeps the schema: test, circle, name alone, polygon, group, region, update, correction, renewal, cancel', async (t) => {
  await withScene(async (scene) => {
    const polygon: readonly (readonly [number, number])[] = [
      [39, 116],
      [40, 116],
      [40, 117],
      [39, 116],
    ];
    scene.cap('both', { areas: { North: { geocode: '110000', polygon } } });
    scene.cap('bare');
    scene.cap('zh', { languages: ['zh'], areas: { all: { geocode: '100000' } } });
    scene.cap('en', { languages: ['en'] });
    const jjj = enact(scene, 'jjj-alert');
    scene.raise('circle', { expires: scene.now + 2 * HOUR_MS, message: { zh: '“重” <b>&\u0001', en: '"high" ]]> & <180>' } });
    scene.raise('name', { subject: 's2', values: { wd: 'N\u0000E\uD800', ok: true, pm25: 1e-7 } });
    scene.raise('group', { subject: 'group:region:North' });
    scene.raise('region', { subject: 'region:North', ...jjj });
    scene.raise('all', { subject: 'all' });
    scene.raise('agency', { subject: 'agency:bj' });
    scene.follow('name', 'update', { severity: 'extreme' });
    const outcome = {
      since: scene.now - HOUR_MS,
      raisedAt: scene.now,
      severities: [{ at: scene.now, severity: 'severe' }],
      clearedAt: null,
    };
    scene.follow('name', 'correct', { outcome });
    await scene.pass(24 * HOUR_MS);
    scene.follow('region', 'correct', { outcome: null });
    scene.follow('name', 'close', { by: 'li', reason: 'repaired' });
    for (const channel of scene.control.channels.values()) scene.host.test(channel);
    await scene.pass();
    const documents = scene.arrived.map(({ body }) => body);
    const kinds = new Set(
      ['both', 'bare', 'zh', 'en'].flatMap((channel) => scene.capAlerts(channel).map(({ msgType, status }) => `${msgType} ${status}`)),
    );
    assert.deepEqual([...kinds].sort(), ['Alert Actual', 'Alert Test', 'Cancel Actual', 'Update Actual']);
    assert.ok(documents.length > 50, `${documents.length} documents`);
    const shapes = scene.capAlerts('bare').map(({ info }) => Object.keys(info?.[0]?.area?.[0] ?? {}).join());
    assert.ok(shapes.includes('areaDesc,circle') && shapes.includes('areaDesc'), shapes.join(' '));
    assert.ok(
      documents.some((document) => document.includes('“重” &lt;b&gt;&amp;\uFFFD')),
      'no text keeps an alert from being told',
    );
    assert.deepEqual(schemaFaults(t, documents) ?? [], []);
  });
});

test('event is the title of the contract in each language; category is that of the dataset', async () => {
  await withScene(async (scene) => {
    scene.cap('feed');
    scene.define({ ...AIR, dataset: 'fridges', category: 'Health' });
    scene.define({ ...AIR, category: 'Env' });
    scene.raise('a', enact(scene, 'heavy-pm25'));
    scene.raise('b', { dataset: 'fridges', contract: 'unknown' });
    scene.raise('c', { dataset: 'sys.audit', contract: 'sys.audit', subject: 'ledger' });
    await scene.pass();
    assert.deepEqual(
      scene.capAlerts('feed').map((alert) => infosOf(alert).map(({ event, category }) => [event, ...category])),
      [
        [
          ['站点 PM2.5 重度污染', 'Env'],
          ['Heavy PM2.5 pollution at a station', 'Env'],
        ],
        [
          ['unknown', 'Health'],
          ['unknown', 'Health'],
        ],
        [
          ['平台自检', 'Other'],
          ['Platform integrity', 'Other'],
        ],
      ],
    );
  });
});

test('what is forecast is likely and lies ahead, also where alerts of forecasts are counted; what is measured is observed', async () => {
  await withScene(async (scene) => {
    scene.cap('feed');
    const levels = { aqi_24h: { title: { zh: 'AQI', en: 'AQI' }, unit: '1' } };
    scene.define({ ...AIR, dataset: 'city-air', properties: levels });
    scene.define({ ...AIR, dataset: 'city-air-forecast', properties: levels, forecast: true });
    scene.raise('a', { ...enact(scene, 'jjj-forecast'), rule: 'city', dataset: 'city-air' });
    const counted = readFileSync(new URL('jjj-alert.yaml', shipped), 'utf8').replaceAll(
      /\{ ?rule: city/g,
      '{ contract: jjj-forecast, rule: city',
    );
    assert.match(counted, /contract: jjj-forecast, rule/);
    scene.raise('b', { ...enact(scene, 'jjj-alert', counted), rule: 'joint', dataset: 'city-air' });
    for (const [alert, rule] of Object.entries({ c: 'city', d: 'joint' }))
      scene.raise(alert, { ...enact(scene, 'jjj-alert'), rule, dataset: 'city-air' });
    await scene.pass();
    const said = scene.capAlerts('feed').map((alert) => [alert.incidents?.[0], infosOf(alert)[0]?.certainty, infosOf(alert)[0]?.urgency]);
    assert.deepEqual(said, [
      [idOf('a'), 'Likely', 'Future'],
      [idOf('b'), 'Likely', 'Future'],
      [idOf('c'), 'Observed', 'Immediate'],
      [idOf('d'), 'Observed', 'Immediate'],
    ]);
  });
});

test('what is told can be proven: each message names its record, its leaf hash and the ledger, and where the proof is', async () => {
  await withScene(async (scene) => {
    scene.cap('feed', { languages: ['en', 'zh'] });
    scene.raise('a', { message: { zh: 's1：180，自 2026-01-05T03:00:00.000Z', en: 's1: 180 since 2026-01-05T03:00:00.000Z' } });
    scene.follow('a', 'update', { severity: 'severe', values: { pm25: 300, wd: 'N\u0001' }, message: { zh: 's1：300', en: 's1: 300' } });
    scene.follow('a', 'escalate', { severity: 'extreme', step: 1, notify: [] });
    scene.follow('a', 'update', { severity: 'severe', values: { pm25: 310 } });
    await scene.pass();
    await scene.pass(24 * HOUR_MS);
    scene.follow('a', 'clear');
    await scene.pass();
    const messages = scene.at('feed');
    assert.equal(messages.length, 6, 'one of them is a renewal');
    for (const [i, alert] of scene.capAlerts('feed').entries()) {
      const { position, name } = messages[i] as (typeof messages)[number];
      const record = scene.records.get(Number(position)) as Uint8Array;
      assert.deepEqual(capDifferences(alert, { record, position: Number(position), checkpoint: `${ORIGIN}\n` }), [], alert.msgType);
      const resources = alert.info?.map(({ resource }) => resource?.[0]?.uri);
      assert.deepEqual(new Set(resources), new Set([`https://air.example.cn/cap/${name}.airtight-proof.json`]));
    }
  });
});
