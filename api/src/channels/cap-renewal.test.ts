/** A CAP message ends by itself: while its alert holds it is renewed in time, once a period, whatever happens to this service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelScene, idOf } from '../testing/channel-scene.ts';
import { FEED_NEWEST_MAX, feedMessages } from './cap-feed.ts';
import { CAP_EXPIRES_MS, CAP_HOLDS_MIN_MS } from './cap-message.ts';

const HOUR_MS = 3_600_000;

async function withScene(work: (scene: ChannelScene) => Promise<void>): Promise<void> {
  const scene = new ChannelScene();
  try {
    scene.station('s1');
    scene.cap('feed');
    scene.channel('office');
    await work(scene);
  } finally {
    await scene.end();
  }
}

const expiresOf = (scene: ChannelScene, n: number) => Date.parse(scene.capAlerts('feed').at(n)?.info?.[0]?.expires ?? '');

test('an alert that stays as it is never expires at a reader: one Update a day, across restarts; nobody else hears of it', async () => {
  await withScene(async (scene) => {
    const begin = scene.now;
    scene.raise('a');
    await scene.pass();
    assert.equal(expiresOf(scene, 0), begin + CAP_EXPIRES_MS);
    for (let hour = 1; hour <= 72; hour++) {
      if (hour % 5 === 0) {
        await scene.stop();
        scene.start();
      }
      await scene.pass(HOUR_MS);
      assert.ok(expiresOf(scene, -1) > scene.now, `it holds after ${hour} h`);
    }
    const all = scene.capAlerts('feed');
    assert.equal(all.length, 1 + 3, 'at 23, 46 and 69 h');
    assert.deepEqual(
      all.map(({ msgType }) => msgType),
      ['Alert', 'Update', 'Update', 'Update'],
    );
    assert.deepEqual(
      all.at(-1)?.references?.map(({ identifier }) => identifier),
      all.slice(0, -1).map(({ identifier }) => identifier),
    );
    const [first, last] = [all[0]?.info?.[1], all.at(-1)?.info?.[1]];
    const told = { expires: '', headline: '', resource: [] };
    assert.deepEqual({ ...last, ...told }, { ...first, ...told }, 'nothing new but the time');
    assert.equal(last?.headline, 'Still in force: heavy');
    assert.equal(scene.at('office').length, 1);
    scene.follow('a', 'clear');
    await scene.pass();
    assert.equal(scene.capAlerts('feed').at(-1)?.msgType, 'Cancel');
    assert.equal(scene.capAlerts('feed').at(-1)?.references?.length, 4);
    await scene.pass(100 * HOUR_MS);
    assert.equal(scene.capAlerts('feed').length, 5, 'what is over is not renewed');
  });
});

test('the end that the contract names holds for each update too, and the alert outlives it by renewals', async () => {
  await withScene(async (scene) => {
    scene.raise('a', { expires: scene.now + 2 * HOUR_MS });
    await scene.pass();
    assert.equal(expiresOf(scene, 0), scene.now + 2 * HOUR_MS);
    await scene.pass(HOUR_MS);
    scene.follow('a', 'update', { severity: 'severe', expires: scene.now + 2 * HOUR_MS });
    await scene.pass();
    assert.equal(expiresOf(scene, 1), scene.now + 2 * HOUR_MS);
    scene.follow('a', 'escalate', { severity: 'extreme', step: 1, notify: [] });
    await scene.pass();
    assert.equal(expiresOf(scene, 2), scene.now + 2 * HOUR_MS, 'as of the last update');
    await scene.pass(1.6 * HOUR_MS);
    assert.equal(scene.capAlerts('feed').length, 4);
    assert.equal(expiresOf(scene, 3), scene.now + 2 * HOUR_MS);
    assert.deepEqual(
      scene.told('office').map(({ data }) => data.expires !== undefined),
      [true, true, true],
    );
  });
});

test('what was on record only when its end had passed holds for an hour, not for nothing', async () => {
  await withScene(async (scene) => {
    scene.raise('a', { at: scene.now - 3 * HOUR_MS, expires: scene.now - HOUR_MS });
    await scene.pass();
    assert.equal(expiresOf(scene, 0), scene.now + CAP_HOLDS_MIN_MS);
  });
});

test('on the shelf it may expire: it is renewed when it comes back', async () => {
  await withScene(async (scene) => {
    scene.raise('a');
    await scene.pass();
    scene.follow('a', 'shelve', { by: 'li', until: scene.now + 24 * HOUR_MS, reason: 'works' });
    await scene.pass(24 * HOUR_MS);
    assert.equal(scene.capAlerts('feed').length, 1);
    scene.follow('a', 'shelf-end');
    await scene.pass();
    assert.equal(scene.capAlerts('feed').length, 2);
    assert.ok(expiresOf(scene, 1) > scene.now);
  });
});

test('an alert that holds for longer than messages are kept is still told its end', async () => {
  await withScene(async (scene) => {
    scene.raise('a');
    await scene.pass();
    scene.outbox.recorded(scene.outbox.unrecorded(10).ids, 1);
    scene.outbox.prune(scene.now + 60 * 24 * HOUR_MS);
    scene.follow('a', 'clear');
    await scene.pass();
    assert.deepEqual(
      scene.told('office').map(({ type }) => type),
      ['alert.raised', 'alert.cancelled'],
    );
  });
});

test('the feed keeps what is in force, however many messages came after it, and leaves out what is over', async () => {
  await withScene(async (scene) => {
    scene.cap('second');
    scene.raise('old');
    scene.raise('over');
    await scene.pass();
    scene.follow('over', 'clear');
    await scene.pass();
    for (let i = 0; i < FEED_NEWEST_MAX; i++) {
      scene.now += 1000;
      scene.raise(`a${i}`);
      scene.follow(`a${i}`, 'clear');
      if (i % 10 === 0) await scene.pass();
    }
    await scene.pass(60_000);
    const listed = feedMessages(['feed', 'second'], scene.outbox);
    assert.equal(listed.length, FEED_NEWEST_MAX + 2, 'the newest, and one in force on each channel');
    assert.deepEqual(
      listed.slice(-2).map(({ alert }) => alert),
      [idOf('old'), idOf('old')],
    );
    assert.ok(!listed.some(({ alert }) => alert === idOf('over')));
  });
});
