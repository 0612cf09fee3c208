import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FILE_DOOR, FILE_LIVE_DOOR, type StreamMessage } from '@airtight/protocol';
import { Deployment, until } from '../testing/deployment.ts';

const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();

before(async () => {
  await d.begin();
  d.defineAir();
  for (let i = 0; i < 500; i++) d.reading(`s${i % 5}`, T0 + i * 1000, { pm25: i });
  await d.startApi();
  await d.settled();
});
after(() => d.end());

/** A client as the protocol asks for: it keeps a cursor, and refuses frames that do not join. */
class Client {
  cursor: number;
  readonly positions: number[] = [];
  readonly messages: StreamMessage[] = [];
  #socket: WebSocket | undefined;
  closed: { code: number; reason: string } | undefined;

  constructor(cursor: number) {
    this.cursor = cursor;
  }

  async connect(query = ''): Promise<void> {
    this.closed = undefined;
    const socket = new WebSocket(`${d.api.url.replace('http', 'ws')}/api/v1/stream?since=${this.cursor}${query}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#take(JSON.parse(String(data)) as StreamMessage);
    };
    socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
    await new Promise((resolve) => {
      socket.onopen = resolve;
      socket.onerror = resolve;
    });
  }

  drop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #take(message: StreamMessage): void {
    this.messages.push(message);
    if (message.type !== 'frame') return;
    assert.equal(message.from, this.cursor, 'a frame begins where the last one ended');
    assert.ok(message.next > message.from && message.next <= message.head);
    for (const event of message.events) this.positions.push(event.position);
    this.cursor = message.next;
  }
}

test('a client that begins at 0 gets every record once and in order, then lives on', async () => {
  const client = new Client(0);
  await client.connect();
  await until(() => client.cursor >= 501);
  assert.deepEqual(
    client.positions,
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
  const position = d.reading('s1', T0 + 999_000, { pm25: 42 });
  await until(() => client.positions.at(-1) === position);
  const frame = client.messages.findLast((message) => message.type === 'frame');
  const event = frame?.type === 'frame' ? frame.events.at(-1) : undefined;
  assert.ok(event?.type === 'observation');
  assert.equal(event.record, String(position));
  assert.deepEqual(event.values, { pm25: { result: 42, unit: 'ug/m3', flags: [], quality: { flag: 2, tests: {} } } });
  assert.equal(client.messages[0]?.type, 'hello');
  await until(() => client.messages.some((message) => message.type === 'heartbeat'));
  client.drop();
});

test('filters leave events out, not positions', async () => {
  const client = new Client(0);
  await client.connect('&producer=s3&dataset=air');
  await until(() => client.cursor >= 502);
  assert.equal(client.positions.length, 100);
  client.drop();
});

test('a conflating client ends up with the same as one that got everything, whatever was left out', async () => {
  const begin = d.journal.head;
  const whole = new Client(begin);
  const brief = new Client(begin);
  await whole.connect();
  await brief.connect('&conflate=true');
  for (let i = 0; i < 3000; i++) d.reading(`s${i % 5}`, T0 + 1_000_000 + ((i * 7919) % 3001), { pm25: i });
  const end = d.journal.head;
  await until(() => whole.cursor >= end && brief.cursor >= end);
  assert.equal(whole.positions.length, 3000);
  assert.ok(brief.positions.length < 1500, `${brief.positions.length} of 3000`);
  const skipped = brief.messages.flatMap((message) => (message.type === 'frame' ? Object.values(message.skipped ?? {}) : []));
  assert.equal(skipped.reduce((sum, one) => sum + one, 0) + brief.positions.length, 3000);
  assert.deepEqual(newestOf(brief), newestOf(whole));
  whole.drop();
  brief.drop();
});

/** By producer the record of its newest reading. */
function newestOf({ messages }: Client): ReadonlyMap<string, string> {
  const newest = new Map<string, { readonly at: string; readonly record: string }>();
  for (const event of messages.flatMap((message) => (message.type === 'frame' ? message.events : []))) {
    assert.ok(event.type === 'observation');
    const known = newest.get(event.producer);
    if (known === undefined || event.phenomenonTime >= known.at)
      newest.set(event.producer, { at: event.phenomenonTime, record: event.record });
  }
  return new Map([...newest].map(([producer, { record }]) => [producer, record] as const).sort());
}

test('imported history passes by: the cursor moves on, nothing of it is shown', async () => {
  const client = new Client(d.journal.head);
  await client.connect();
  const header = { agency: 'bj', dataset: 'air', producer: 's1', receivedAt: T0 + 999_000 };
  for (let i = 0; i < 3; i++) d.journal.append({ ...header, door: FILE_DOOR }, { t: T0 - i * 1000, m: { pm25: i } });
  const position = d.journal.append({ ...header, door: FILE_LIVE_DOOR }, { t: T0 + 999_500, m: { pm25: 7 } });
  await until(() => client.cursor > position);
  assert.deepEqual(client.positions, [position]);
  client.drop();
});

test('a cursor beyond the journal is refused', async () => {
  const client = new Client(10_000_000);
  await client.connect();
  await until(() => client.closed !== undefined);
  assert.equal(client.closed?.reason, 'CURSOR_BEYOND_HEAD');
});

test('a client that is dropped 100 times at random, across a restart of the service, has every event once and in order', async () => {
  const client = new Client(d.journal.head);
  const begin = d.journal.head;
  let drops = 0;
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      for (let burst = 0; burst < 1 + (i % 17); burst++) d.reading(`s${i % 5}`, T0 + 2_000_000 + i * 100 + burst, { pm25: i });
      await sleep(5);
    }
  })();
  // A fixed sequence of waits from 0 to 160 ms (a linear congruential generator), so that a failure can be repeated.
  let seed = 12_345;
  while (drops < 100) {
    await client.connect();
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    await sleep(seed % 160);
    client.drop();
    drops++;
    if (drops === 50) {
      await d.api.close();
      await d.startApi();
    }
  }
  writing = false;
  await writer;
  await client.connect();
  await until(() => client.cursor === d.journal.head);
  client.drop();
  assert.deepEqual(
    client.positions,
    Array.from({ length: d.journal.head - begin }, (_, i) => begin + i),
  );
  assert.ok(client.positions.length > 1000);
});

test('another site may not open the stream with a visitor cookie', async () => {
  const headers = { origin: 'https://elsewhere.example' };
  // Node's WebSocket takes headers in its second argument; its type does not know.
  const socket = new WebSocket(`${d.api.url.replace('http', 'ws')}/api/v1/stream`, { headers } as never);
  const opened = await new Promise((resolve) => {
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
  assert.equal(opened, false);
});
