/**
 * I1 through the HJ 212 door: ingest is killed with SIGKILL while a monitor reports over TCP. What was answered is in the
 * store, each once, and no password is on the disk.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import type { ObservationItem } from '@airtight/protocol';
import { frameHj212, Hj212Cutter, parseHj212 } from '@airtight/standards/hj212.ts';
import { faultRounds } from './harness/fault-rounds.ts';
import { AGENCY, AIR_DATASET, type Product, startProduct } from './harness/product.ts';
import { airtight, finish } from './harness/programs.ts';
import { pause, until } from './harness/waiting.ts';

const PASSWORD = '271828';
const PRODUCER = 'monitor-1';
const IN_FLIGHT_MAX = 8;
const RECONNECT_MS = 50;
const AUDIT_TIMEOUT_MS = 120_000;
const KILLS = faultRounds(2);
/** 2026-11-01T00:00:00+08:00. */
const START = Date.UTC(2026, 9, 31, 16);

let product: Product;
let port: number;

before(async () => {
  port = await freePort();
  process.env['AIRTIGHT_INGEST_HJ212_PORT'] = String(port);
  product = await startProduct();
  const enrolled = await enroll(...named(PRODUCER, '88888880000001'), '--hj212', PASSWORD);
  assert.deepEqual([enrolled.secret, enrolled.hj212Password], [undefined, undefined], 'nothing was generated');
});
after(async () => {
  delete process.env['AIRTIGHT_INGEST_HJ212_PORT'];
  await product?.stop();
});

interface Shown {
  readonly secret?: string;
  readonly hj212Password?: string;
  readonly credentials: readonly { readonly kind: string }[];
}

const named = (producer: string, mn: string): string[] => [
  ...['--agency', AGENCY, '--producer', producer, '--dataset', AIR_DATASET, '--foreign-id', `hj212:${mn}`],
];

/** `airtight enroll …`, answered as JSON. */
async function enroll(...args: string[]): Promise<Shown> {
  const { code, stdout, stderr } = await airtight(['enroll', ...args, '--data', product.dataDir, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

/** CN of the answer to one frame; undefined when the connection is closed without one. */
async function answerTo(mn: string, password: string, number: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const time = digits(timeOf(number));
  const data = `QN=${time};ST=22;CN=2011;PW=${password};MN=${mn};Flag=5;CP=&&DataTime=${time.slice(0, 14)};a34004-Rtd=1&&`;
  try {
    const answer = new Promise<string | undefined>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(/CN=(\d+)/.exec(chunk.toString())?.[1]));
      socket.once('close', () => resolve(undefined));
    });
    // A wrong password is answered by nothing, and three of them by the end of the connection.
    for (let attempt = 0; attempt < 3; attempt++) socket.write(frameHj212(data));
    return await answer;
  } finally {
    socket.destroy();
  }
}

const timeOf = (number: number): number => START + number * 1000;
const digits = (ms: number): string => new Date(ms + 8 * 3_600_000).toISOString().replace(/\D/g, '');

/** The frame with a number: its value is the number, its DataTime a second each. */
function frame(number: number): Uint8Array {
  const time = digits(timeOf(number));
  const head = `QN=${time};ST=22;CN=2011;PW=${PASSWORD};MN=88888880000001;Flag=5;`;
  return frameHj212(`${head}CP=&&DataTime=${time.slice(0, 14)};a34004-Rtd=${number},a34004-Flag=N&&`);
}

/** A monitor with a memory: what is not answered is sent again over the next connection, as often as it takes. */
class Monitor {
  readonly answered = new Set<number>();
  readonly #inFlight = new Set<number>();
  #next = 0;
  #stopping = false;

  async run(): Promise<void> {
    while (!this.#stopping || this.#inFlight.size > 0) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await this.#serve(socket);
      await pause(RECONNECT_MS);
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  async #serve(socket: Socket): Promise<void> {
    const cutter = new Hj212Cutter();
    socket.on('connect', () => {
      for (const number of this.#inFlight) socket.write(frame(number));
      this.#fill(socket);
    });
    socket.on('data', (chunk: Buffer) => {
      for (const cut of cutter.push(chunk)) {
        const answer = cut.ok ? parseHj212(Buffer.from(cut.segment).toString()) : cut;
        assert.ok(answer.ok && 'value' in answer && answer.value.cn === '9014');
        const number = [...this.#inFlight].find((sent) => digits(timeOf(sent)) === answer.value.qn);
        if (number === undefined) continue;
        this.#inFlight.delete(number);
        this.answered.add(number);
      }
      this.#fill(socket);
      if (this.#stopping && this.#inFlight.size === 0) socket.end();
    });
    // Not `once`, which would throw where the connection is refused.
    await new Promise((resolve) => socket.on('close', resolve));
  }

  #fill(socket: Socket): void {
    while (!this.#stopping && this.#inFlight.size < IN_FLIGHT_MAX) {
      this.#inFlight.add(this.#next);
      socket.write(frame(this.#next++));
    }
  }
}

test(`${KILLS} kills of ingest while a monitor reports: what was answered is stored, once`, async () => {
  const monitor = new Monitor();
  const running = monitor.run();
  for (let kill = 0; kill < KILLS; kill++) {
    const answered = monitor.answered.size;
    await until('the monitor is answered', () => monitor.answered.size > answered + 50);
    await product.kill('ingest', 100);
  }
  monitor.stop();
  await running;
  await product.untilProjected();
  const stored = await product.all<ObservationItem>('observations', { producer: PRODUCER, limit: 10_000 });
  const expected = [...monitor.answered].sort((a, b) => a - b).map((number) => `${new Date(timeOf(number)).toISOString()} pm25 ${number}`);
  assert.deepEqual(
    stored.map(({ phenomenonTime, observedProperty, result }) => `${phenomenonTime} ${observedProperty} ${result}`),
    expected,
  );
  assert.ok(expected.length > KILLS * 50);
  const audit = await airtight(['audit', '--data', product.dataDir, '--lang', 'en'], AUDIT_TIMEOUT_MS);
  assert.equal(audit.code, 0, `provable: journal, ledger and store say the same\n${audit.stdout}`);
});

test('a password is generated by command or API, opens the door, and is rotated', async () => {
  const shown = await enroll(...named('monitor-2', 'M2'), '--hj212', 'new');
  assert.match(shown.hj212Password ?? '', /^\d{6}$/);
  assert.deepEqual([shown.secret, shown.credentials.map(({ kind }) => kind)], [undefined, ['hj212-password']]);
  assert.equal(await answerTo('M2', shown.hj212Password ?? '', 100_000), '9014');

  const request = { producer: 'monitor-3', agency: AGENCY, kind: 'air-station', datasets: [AIR_DATASET] };
  const post = async (path: string, body: object): Promise<[number, Shown]> => {
    const headers = { authorization: `Bearer ${await product.apiToken()}`, 'content-type': 'application/json' };
    const answer = await fetch(`${product.httpUrl}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return [answer.status, (await answer.json()) as Shown];
  };
  const [status, made] = await post('producers', { ...request, foreignId: 'hj212:M3', hj212Password: true });
  assert.deepEqual([status, made.credentials.map(({ kind }) => kind)], [201, ['hj212-password']]);
  assert.equal(await answerTo('M3', made.hj212Password ?? '', 100_001), '9014');
  const [, rotated] = await post('producers/monitor-3/rotate', { overlapMs: 0, hj212Password: '654321' });
  assert.deepEqual([rotated.hj212Password, rotated.credentials.map(({ kind }) => kind)], [undefined, ['hj212-password']]);
  assert.equal(await answerTo('M3', '654321', 100_002), '9014');
  assert.equal(await answerTo('M3', made.hj212Password ?? '', 100_003), undefined, 'the old one has ended');

  const refused: object[] = [{ hj212Password: true }, { foreignId: 'hj212:M4', hj212Password: 'a;b=cd' }];
  for (const wrong of refused) assert.equal((await post('producers', { ...request, producer: 'monitor-4', ...wrong }))[0], 400);
  const bad = await airtight(['enroll', ...named('monitor-4', 'M4'), '--hj212', '12;45', '--data', product.dataDir]);
  assert.equal(bad.code, 2);
});

test('the password stands nowhere on the disk', async () => {
  await product.halt();
  const { code, stdout } = await finish('grep', ['-rlaF', `PW=${PASSWORD}`, join(product.dataDir)]);
  assert.deepEqual([code, stdout], [1, ''], 'grep finds nothing');
});
