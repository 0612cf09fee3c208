/** Evidence that a log has two histories becomes one alert, when it proves so by the keys that are known here. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AlertItem, LedgerDetail } from '@airtight/protocol';
import { formatVkey } from '@airtight/tlog';
import { rebuildStore } from '../rebuild/rebuild.ts';
import { Deployment, until } from '../testing/deployment.ts';
import { LedgerServer } from '../testing/ledger-server.ts';
import type { EvidenceFile } from '../upstream/ledger-client.ts';

const SIZE = 13;
const d = new Deployment();
const stranger = new LedgerServer();
const held = d.ledger.signedCheckpoint(SIZE, randomBytes(32));

function evidence(first: string, second: string, seenAt: string): EvidenceFile {
  const id = hash('sha256', first + second, 'hex');
  const [origin, witness, detail] = ['test.example/log', 'witness.example/tianjin', 'refused'];
  // What the ledger says of it is not believed.
  const proven = 'same-size';
  return {
    ...{ id, origin, witness, proven, seenAt },
    heldSize: SIZE,
    offeredSize: SIZE,
    detail,
    held: first,
    offered: second,
    path: [],
    otherRoot: null,
  };
}

const fork = evidence(held, d.ledger.signedCheckpoint(SIZE, randomBytes(32)), '2026-05-01T00:00:00.000Z');
const sameFork = evidence(held, d.ledger.signedCheckpoint(SIZE, randomBytes(32)), '2026-05-01T00:00:01.000Z');
const noFork = evidence(held, held, '2026-05-01T00:00:02.000Z');
const notTheLogs = evidence(held, stranger.signedCheckpoint(SIZE, randomBytes(32)), '2026-05-01T00:00:03.000Z');

before(async () => {
  const vkeyFile = join(d.dir, 'ledger.vkey');
  writeFileSync(vkeyFile, `${formatVkey(d.ledger.vkey)}\n`);
  await d.begin({ AIRTIGHT_API_VKEY_FILE: vkeyFile });
  await d.startApi();
});
after(() => d.end());

/** As the message shows it. */
function rootIn(note: string): string {
  return `${note.split('\n')[2]?.slice(0, 12)}…`;
}

async function openAlerts(): Promise<AlertItem[]> {
  return (await d.json('/api/v1/alerts')).items;
}

test('a proven fork raises one alert of the highest severity, and what proves nothing raises none', async () => {
  d.ledger.evidence.push(notTheLogs, noFork, sameFork, fork);
  await until(async () => ((await d.json('/api/v1/ledger')) as LedgerDetail).evidence.length === 4);
  await until(async () => (await openAlerts()).length > 0);
  const [alert, ...more] = await openAlerts();
  assert.deepEqual(more, []);
  assert.deepEqual([alert?.severity, alert?.state, alert?.contract], ['extreme', 'unacknowledged', 'sys.ledger-fork']);
  assert.equal(alert?.raisedAt, fork.seenAt);
  for (const text of [alert?.message.zh, alert?.message.en]) {
    for (const word of ['test.example/log', String(SIZE), rootIn(held), rootIn(fork.offered)]) assert.ok(text?.includes(String(word)));
  }
  assert.equal(alert?.values['evidence'], fork.id);
  assert.deepEqual(
    [alert?.values['heldRoot'], alert?.values['offeredRoot']],
    [held, fork.offered].map((note) => note.split('\n')[2]),
  );
  const detail: LedgerDetail = await d.json('/api/v1/ledger');
  const verdicts = detail.evidence.map(({ id, proven, alert: raised }) => [id, proven, raised]);
  assert.deepEqual(verdicts, [
    [notTheLogs.id, null, null],
    [noFork.id, null, null],
    [sameFork.id, 'same-size', alert?.alert],
    [fork.id, 'same-size', alert?.alert],
  ]);
});

test('a restart raises it no second time, nor does a store that is made anew', async () => {
  const { head } = d.journal;
  for (const isLost of [false, true]) {
    await d.api.close();
    if (isLost) rmSync(join(d.dir, 'store'), { recursive: true, force: true });
    if (isLost) assert.deepEqual((await rebuildStore(d.config)).alerts.differences, []);
    await d.startApi();
    await until(async () => ((await d.json('/api/v1/ledger')) as LedgerDetail).evidence.length === 4);
    await d.settled();
    assert.equal((await openAlerts()).length, 1);
    assert.equal(d.journal.head, head);
  }
});
