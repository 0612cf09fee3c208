import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, formOf } from './channel-form.ts';
import { type ChannelItem, standingOf } from './channel-items.ts';

const at = (minute: number) => ({ n: 1, at: new Date(minute * 60_000).toISOString(), outcome: 'delivered', detail: '' }) as const;
const KNOWN: ChannelItem = {
  ...{ channel: 'public', kind: 'cap', title: { zh: '公众', en: 'Public' }, sender: 'air.example.cn', languages: ['zh'], by: 'chief' },
  ...{ areas: { Beijing: { geocode: '110000' } }, filter: { severities: ['extreme'], regions: ['Beijing', '天津'] } },
  ...{ namedOnly: true, confidential: false, disabled: false },
  health: { waiting: 0, dead: 0, delivered: 1, lastDelivered: at(1), lastFailed: null },
};

test('a channel that is opened and sent back unchanged stays as it is, areas included', () => {
  const { channel: _channel, by: _by, health: _health, disabled: _disabled, ...settings } = KNOWN;
  assert.deepEqual(bodyOf(formOf(KNOWN), KNOWN), settings);
});

test('a new one asks for nothing that was not filled in; names may stand with commas of either language', () => {
  const form = { ...formOf(undefined), channel: 'duty', zh: ' 值班 ', en: 'Duty', target: ' https://a.example.cn/x ' };
  assert.deepEqual(bodyOf({ ...form, regions: '北京，天津、 Hebei,北京' }, undefined), {
    ...{ kind: 'webhook', title: { zh: '值班', en: 'Duty' }, languages: ['zh', 'en'], namedOnly: false, confidential: false },
    ...{ filter: { regions: ['北京', '天津', 'Hebei'] }, url: 'https://a.example.cn/x' },
  });
  const mail = bodyOf({ ...form, kind: 'mail', target: 'a@b.cn\nc@d.cn; ' }, undefined) as { to: string[] };
  assert.deepEqual(mail.to, ['a@b.cn', 'c@d.cn']);
});

test('a channel fails from the newest attempt that failed until one goes well', () => {
  const standing = (health: Partial<ChannelItem['health']>, disabled = false) =>
    standingOf({ disabled, health: { ...KNOWN.health, lastDelivered: null, ...health } });
  assert.equal(standing({}), 'unused');
  assert.equal(standing({ lastFailed: at(1) }), 'failing');
  assert.equal(standing({ lastFailed: at(1), lastDelivered: at(2) }), 'well');
  assert.equal(standing({ lastFailed: at(3), lastDelivered: at(2) }), 'failing');
  assert.equal(standing({ lastFailed: at(3) }, true), 'disabled');
});
