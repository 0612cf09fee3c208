import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordRoute } from '../admit/record-route.ts';
import type { CommitMember, Intake } from '../intake.ts';
import { Announcer } from './announcer.ts';

const route = new RecordRoute({ agency: 'a', dataset: 'air', producer: 'p', door: 'mqtt', topic: 't', contentType: 'application/json' });

/** An announcer whose subscribers take nothing until they are told to. */
function slow() {
  const waiting: (() => void)[] = [];
  const members: CommitMember[] = [];
  let dropped = 0;
  const announcer = new Announcer({
    intake: { join: (member: CommitMember) => void members.push(member) } as unknown as Intake,
    publish: (_topic, _payload, done) => void waiting.push(done),
    leafHashOf: () => 'hash',
    anchorOf: (position) => ({ seq: position, ledgerIndex: position }),
    onDropped: () => {
      dropped++;
    },
  });
  const commit = (): void => {
    for (const member of members) member.onCommitStart();
    for (const member of members.splice(0)) member.onCommitted();
  };
  return { announcer, waiting, commit, dropped: () => dropped };
}

test('to subscribers that do not take them, 1,000 announcements are under way; the others are dropped and counted', () => {
  const { announcer, waiting, commit, dropped } = slow();
  for (let i = 0; i < 1500; i++) announcer.live(route, Buffer.from('{}'));
  commit();
  assert.equal(waiting.length, 1000);
  assert.equal(dropped(), 500);
  for (const done of waiting.splice(0)) done();
  announcer.live(route, Buffer.from('{}'));
  commit();
  assert.equal(waiting.length, 1, 'there is room again');
});

test('10,000 receipts wait for the ledger; beyond them the oldest is dropped and counted', () => {
  const { announcer, waiting, commit, dropped } = slow();
  for (let position = 0; position < 10_003; position++) {
    announcer.receipt(route, { kind: 'accepted', position });
    commit();
    for (const done of waiting.splice(0)) done();
  }
  assert.equal(dropped(), 3);
});
