import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  type RegionAnswerRecord,
  type RegionNote,
  type RegionNoteKind,
  type RegionReceipt,
  type RegionReceiptRecord,
  regionNoteText,
} from '@airtight/protocol';
import { checkAnswer } from './answers.ts';

const ALERT = 'a'.repeat(32);
const RAISE = 10;
const DELIVERY = `${ALERT}_${RAISE}_tianjin`;
const NAME = 'alerts.example.gov/tianjin';
const ours = { from: NAME, to: 'alerts.example.gov/beijing', delivery: DELIVERY, alert: ALERT, digest: 'b'.repeat(64) };
const at = '2026-01-02T03:04:05.678Z';
const receipt: RegionReceipt = { ...ours, record: '7', receivedAt: at, proof: 'verified' };

function signer(): { readonly vkey: string; note<K extends RegionNoteKind>(kind: K, value: RegionNote<K>): string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  // c2sp.org/signed-note: a key of type 1 (Ed25519), and its id, the beginning of a hash over name and key.
  const key = Buffer.concat([Buffer.of(1), createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${NAME}\n`), key]), 'buffer').subarray(0, 4);
  return {
    vkey: `${NAME}+${id.toString('hex')}+${key.toString('base64')}`,
    note: (kind, value) => {
      const text = regionNoteText(kind, value);
      return `${text}\n— ${NAME} ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64')}\n`;
    },
  };
}

const tianjin = signer();
const stranger = signer();

function onRecord(note: string, change: Partial<RegionReceiptRecord> = {}): RegionAnswerRecord {
  return {
    type: 'region-receipt',
    region: 'tianjin',
    channel: 'tianjin',
    delivery: DELIVERY,
    alert: ALERT,
    note,
    vkey: tianjin.vkey,
    ...change,
  };
}
const check = (record: RegionAnswerRecord, position = 12) => checkAnswer({ position, record }, ALERT, new Set([RAISE]));

test('a receipt and an acknowledgement that the region has signed hold, each of the transition that it was told of', () => {
  const held = check(onRecord(tianjin.note('receipt', receipt)));
  assert.deepEqual([held.fault, held.told, held.receipt, held.act], [null, RAISE, receipt, null]);
  const act = { ...ours, act: `act_${'0'.repeat(32)}`, type: 'acknowledge', by: 'li', role: 'operator', at, comment: '已派员' } as const;
  const { delivery, alert, vkey } = onRecord('');
  const acted = check({
    type: 'region-act',
    direction: 'received',
    region: 'tianjin',
    delivery,
    alert,
    vkey,
    note: tianjin.note('act', act),
  });
  assert.deepEqual([acted.fault, acted.told, acted.receipt, acted.act], [null, RAISE, null, act]);
});

test('what was altered, signed by another key, is about another message, or was there before what it answers is named', () => {
  const note = tianjin.note('receipt', receipt);
  const cases: readonly (readonly [RegionAnswerRecord, number, string])[] = [
    [onRecord(note.replace('"7"', '"8"')), 12, 'REGION_SIGNATURE_INVALID'],
    [onRecord(stranger.note('receipt', receipt)), 12, 'REGION_KEY_UNKNOWN'],
    [onRecord(note, { vkey: 'no key' }), 12, 'REGION_KEY_UNKNOWN'],
    [onRecord(note, { type: 'region-act', direction: 'received' } as never), 12, 'REGION_MESSAGE_INVALID'],
    [onRecord(note, { delivery: `${ALERT}_${RAISE}_hebei` }), 12, 'REGION_MESSAGE_INVALID'],
    [onRecord(tianjin.note('receipt', { ...receipt, alert: 'c'.repeat(32) })), 12, 'REGION_MESSAGE_INVALID'],
    [onRecord(note), 9, 'ALERTS_MISMATCH'],
  ];
  for (const [record, position, code] of cases) {
    const { fault } = check(record, position);
    assert.equal(fault?.code, code, JSON.stringify(fault));
  }
  const elsewhere = { ...receipt, delivery: `${ALERT}_11_tianjin` };
  const { fault, told } = check(onRecord(tianjin.note('receipt', elsewhere), { delivery: elsewhere.delivery }));
  assert.deepEqual([fault?.code, told], ['ALERTS_MISMATCH', null]);
});
