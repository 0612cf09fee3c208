/** Whom an alert concerns: a group's region finds its channel and its area, and what is real is told as real. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelScene, idOf } from '../testing/channel-scene.ts';
import { GROUP_UPDATE_EVERY_MS } from './channel-choice.ts';

const NORTH = { zh: '北区', en: 'North' };
const SOUTH = { zh: '南区', en: 'South' };
const polygon: readonly (readonly [number, number])[] = [
  [39, 116],
  [40, 116],
  [40, 117],
  [39, 116],
];

async function withScene(work: (scene: ChannelScene) => Promise<void>): Promise<void> {
  const scene = new ChannelScene();
  try {
    scene.station('s1', { region: NORTH, name: { zh: '东四', en: 'Dongsi' } });
    scene.station('s2', { region: SOUTH });
    scene.station('s10', { region: NORTH, simulated: true });
    await work(scene);
  } finally {
    await scene.end();
  }
}

/** A group with one member, as the engine writes them. */
function raiseGroup(scene: ChannelScene, name: string, by: string, member: string): void {
  scene.raise(`${name}-${member}`, { subject: member, group: idOf(name) });
  scene.raise(name, {
    subject: `group:${by}`,
    message: { zh: `group:${by}：重度`, en: `group:${by}: heavy since 2026-01-05T03:00:00.000Z` },
  });
}

test('a channel of a region hears of the groups of that region, by whatever they are grouped', async () => {
  await withScene(async (scene) => {
    scene.channel('north', { filter: { regions: ['North'] } });
    scene.channel('nord', { filter: { regions: ['北区'] } });
    scene.channel('south', { filter: { regions: ['South'] } });
    raiseGroup(scene, 'ga', 'region:North', 's1');
    raiseGroup(scene, 'gb', 'agency:bj', 's1');
    raiseGroup(scene, 'gc', 'all', 's2');
    await scene.pass();
    const heard = (channel: string) => scene.told(channel).map(({ data }) => data.subject);
    assert.deepEqual(heard('north'), ['group:region:North', 'group:agency:bj']);
    assert.deepEqual(heard('nord'), heard('north'));
    assert.deepEqual(heard('south'), ['group:all']);
    scene.raise('gc-s1', { subject: 's1', group: idOf('gc') });
    scene.follow('gc', 'update', { values: { members: 2 } });
    await scene.pass();
    assert.deepEqual(heard('north').at(-1), 'group:all', 'its first member there has joined');
  });
});

test('an alert about everything concerns every region', async () => {
  await withScene(async (scene) => {
    scene.channel('south', { filter: { regions: ['South'] } });
    scene.raise('a', { subject: 'all' });
    scene.raise('b', { subject: 'region:North' });
    await scene.pass();
    assert.deepEqual(
      scene.told('south').map(({ data }) => [data.subject, data.place]),
      [['all', { zh: '所有站点', en: 'all stations' }]],
    );
  });
});

test('CAP: a group has the polygon, the code and the name of its region', async () => {
  await withScene(async (scene) => {
    scene.cap('feed', { areas: { 北区: { geocode: '110000', polygon } } });
    raiseGroup(scene, 'ga', 'region:North', 's1');
    await scene.pass();
    const [alert] = scene.capAlerts('feed');
    assert.deepEqual(
      alert?.info?.map(({ area }) => [area?.[0]?.areaDesc, area?.[0]?.geocode?.[0]?.value, area?.[0]?.polygon?.[0]?.length]),
      [
        ['北区', '110000', 4],
        ['North', '110000', 4],
      ],
    );
  });
});

test('one made-up station of a region does not make a group of real ones an exercise; a group of made-up ones is one', async () => {
  await withScene(async (scene) => {
    scene.cap('feed');
    raiseGroup(scene, 'real', 'region:North', 's1');
    raiseGroup(scene, 'made-up', 'region:North', 's10');
    scene.raise('mixed', { subject: 'region:North' });
    await scene.pass();
    assert.deepEqual(
      scene.capAlerts('feed').map(({ status, incidents }) => [incidents?.[0], status]),
      [
        [idOf('real'), 'Actual'],
        [idOf('made-up'), 'Exercise'],
        [idOf('mixed'), 'Exercise'],
      ],
      'a mean over both has made-up data in it',
    );
    scene.raise('made-up-s1', { subject: 's1', group: idOf('made-up') });
    scene.follow('made-up', 'update', { values: { members: 2 } });
    await scene.pass(GROUP_UPDATE_EVERY_MS);
    assert.equal(scene.capAlerts('feed').at(-1)?.status, 'Actual', 'a real one has joined');
  });
});

test('texts for people have names and times of the zone, in the language of each; another region gets what the record says', async () => {
  await withScene(async (scene) => {
    for (const kind of ['webhook', 'mail', 'region'] as const) scene.channel(kind, { kind });
    scene.cap('cap');
    scene.raise('a', { message: { zh: 's1：重度', en: 's1: heavy, not s10' } });
    raiseGroup(scene, 'ga', 'region:North', 's1');
    await scene.pass();
    const named = [
      { zh: '东四：重度', en: 'Dongsi: heavy, not s10' },
      { zh: '北区：重度', en: 'North: heavy since 2026-01-05T11:00:00+08:00' },
    ];
    for (const channel of ['webhook', 'mail'])
      assert.deepEqual(
        scene.told(channel).map(({ data }) => data.message),
        named,
      );
    assert.deepEqual(
      scene.capAlerts('cap').map(({ info }) => info?.map(({ description }) => description)),
      named.map(({ zh, en }) => [zh, en]),
    );
    assert.equal(scene.told('region')[0]?.data.message.en, 's1: heavy, not s10');
  });
});
