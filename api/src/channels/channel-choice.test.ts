/** Who is put aside is quiet, and a storm is few messages; the end is always told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelScene, idOf } from '../testing/channel-scene.ts';
import { GROUP_UPDATE_EVERY_MS } from './channel-choice.ts';

const MINUTE_MS = 60_000;

async function withScene(work: (scene: ChannelScene) => Promise<void>): Promise<void> {
  const scene = new ChannelScene();
  try {
    scene.station('s1');
    scene.channel('office');
    await work(scene);
  } finally {
    await scene.end();
  }
}

const typesAt = (scene: ChannelScene, channel = 'office') => scene.told(channel).map(({ data }) => data.cause);

test('of a shelved alert nobody is told; what changed meanwhile is told when the shelf ends, and its end at once', async () => {
  for (const [type, acts] of [
    ['unshelve', { by: 'li' }],
    ['shelf-end', {}],
  ] as const) {
    await withScene(async (scene) => {
      for (const alert of ['changed', 'same', 'over']) scene.raise(alert);
      await scene.pass();
      for (const alert of ['changed', 'same', 'over'])
        scene.follow(alert, 'shelve', { by: 'li', until: scene.now + 60 * MINUTE_MS, reason: 'works' });
      scene.follow('changed', 'update', { severity: 'severe' });
      await scene.pass(MINUTE_MS);
      assert.deepEqual(typesAt(scene), ['raise', 'raise', 'raise'], 'quiet');
      scene.follow('over', 'clear');
      await scene.pass();
      assert.deepEqual(typesAt(scene).at(-1), 'clear', 'who was told of the raise is told the end');
      for (const alert of ['changed', 'same']) scene.follow(alert, type, acts);
      await scene.pass(MINUTE_MS);
      assert.deepEqual(
        scene
          .told('office')
          .slice(4)
          .map(({ data }) => [data.alert, data.cause, data.severity]),
        [[idOf('changed'), type, 'severe']],
      );
    });
  }
});

test('an alert that becomes grave enough for a channel on the shelf is told there when it comes back', async () => {
  await withScene(async (scene) => {
    scene.channel('grave', { filter: { severities: ['severe'] } });
    scene.raise('a');
    scene.follow('a', 'shelve', { by: 'li', until: scene.now + 60 * MINUTE_MS, reason: 'works' });
    scene.follow('a', 'update', { severity: 'severe' });
    await scene.pass();
    assert.deepEqual(typesAt(scene, 'grave'), []);
    scene.follow('a', 'unshelve', { by: 'li' });
    await scene.pass();
    assert.deepEqual(
      scene.told('grave').map(({ type, data }) => [type, data.severity]),
      [['alert.raised', 'severe']],
    );
  });
});

test('a shelved group is quiet whoever joins, also what already waited for its time', async () => {
  await withScene(async (scene) => {
    scene.raise('g', { subject: 'group:region:North' });
    await scene.pass();
    scene.follow('g', 'update', { values: { members: 2 } });
    scene.follow('g', 'shelve', { by: 'li', until: scene.now + 60 * MINUTE_MS, reason: 'works' });
    for (let i = 0; i < 30; i++) {
      await scene.pass(MINUTE_MS);
      scene.follow('g', 'update', { values: { members: i } });
    }
    assert.deepEqual(typesAt(scene), ['raise']);
  });
});

test('500 devices fall silent within ten minutes and come back: a handful of messages, the last state among them', async () => {
  await withScene(async (scene) => {
    scene.cap('feed');
    scene.raise('g', { subject: 'group:region:North', values: {} });
    let members = 1;
    for (let tick = 1; tick <= 60; tick++) {
      members = Math.min(500, members + 9);
      scene.follow('g', 'update', { values: { members } });
      // A restart in the midst of it.
      if (tick === 20) {
        await scene.stop();
        scene.start();
      }
      await scene.pass(10_000);
    }
    await scene.pass(GROUP_UPDATE_EVERY_MS);
    for (const channel of ['office', 'feed']) assert.equal(scene.at(channel).length, 3, 'the raise, after 5 and after 10 min');
    assert.deepEqual(
      scene.told('office').map(({ data }) => data.values['members']),
      [undefined, 271, 500],
    );
  });
});

test('a storm that is read an hour later, all at once, is the same few messages', async () => {
  await withScene(async (scene) => {
    scene.lagMs = 60 * MINUTE_MS;
    scene.raise('g', { subject: 'group:region:North', values: {} });
    for (let tick = 1; tick <= 60; tick++) {
      scene.now += 10_000;
      scene.follow('g', 'update', { values: { members: tick } });
    }
    await scene.pass();
    assert.deepEqual(
      scene.told('office').map(({ data }) => data.values['members']),
      [undefined, 29, 59, 60],
      'at 5, 10 and 15 min',
    );
  });
});

test('a group that becomes worse, escalates or ends is told at once, instead of what waited', async () => {
  await withScene(async (scene) => {
    scene.raise('g', { subject: 'group:region:North' });
    await scene.pass(10_000);
    const waiting = () => scene.follow('g', 'update', { values: { members: 7 } });
    waiting();
    scene.follow('g', 'update', { severity: 'severe', values: { members: 8 } });
    await scene.pass(10_000);
    waiting();
    scene.follow('g', 'escalate', { severity: 'extreme', step: 1, notify: [] });
    await scene.pass(10_000);
    waiting();
    scene.follow('g', 'clear', { reason: 'group-empty' });
    await scene.pass(GROUP_UPDATE_EVERY_MS);
    assert.deepEqual(
      scene.told('office').map(({ data }) => [data.cause, data.severity]),
      [
        ['raise', 'moderate'],
        ['update', 'severe'],
        ['escalate', 'extreme'],
        ['clear', 'extreme'],
      ],
    );
  });
});

test('a single alert is told of each change, and of a group nothing is lost while the receiver is away', async () => {
  await withScene(async (scene) => {
    scene.away.add('office');
    scene.raise('a');
    scene.raise('g', { subject: 'group:region:North' });
    for (const alert of ['a', 'a', 'g']) scene.follow(alert, 'update', { values: { members: 3 } });
    await scene.pass(1000);
    scene.away.clear();
    await scene.pass(6 * MINUTE_MS);
    await scene.pass(6 * MINUTE_MS);
    assert.deepEqual(
      scene.told('office').map(({ data }) => [data.alert, data.cause]),
      [
        [idOf('a'), 'raise'],
        [idOf('g'), 'raise'],
        [idOf('a'), 'update'],
        [idOf('g'), 'update'],
        [idOf('a'), 'update'],
      ],
    );
  });
});
