import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { parseNetworks, WebhookSender } from './webhook.ts';

const SECRETS = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
const MESSAGE = { name: 'm1', body: '{}' };
/** On 127.0.0.1, which may be sent to, and on 127.0.0.2 at the same port, which may not. */
const hosts: { readonly allowed: (string | undefined)[]; readonly denied: (string | undefined)[] } = { allowed: [], denied: [] };
const servers: Server[] = [];
let port = 0;

async function listen(host: string, seen: (string | undefined)[]): Promise<number> {
  const server = createServer((request, response) => {
    seen.push(request.headers.host);
    request.resume().on('end', () => response.writeHead(204).end());
  });
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

before(async () => {
  port = await listen('127.0.0.1', hosts.allowed);
  await listen('127.0.0.2', hosts.denied);
});
after(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/** A name server that says something else each time; the last again and again. */
function rebinding(...answers: readonly (readonly string[])[]) {
  let asked = 0;
  const resolve = async () => (answers[Math.min(asked++, answers.length - 1)] ?? []).map((address) => ({ address }));
  const networks = parseNetworks('127.0.0.1');
  assert.ok(networks);
  const sender = new WebhookSender(networks, { resolve });
  return { send: () => sender.send(`http://hook.example:${port}/`, MESSAGE, SECRETS), asked: () => asked };
}

test('a name that leads elsewhere a moment later reaches nothing but the address that was checked', async () => {
  const { send, asked } = rebinding(['127.0.0.1'], ['127.0.0.2']);
  assert.deepEqual(await send(), { ok: true, detail: 'http 204' });
  assert.deepEqual([hosts.allowed, hosts.denied, asked()], [[`hook.example:${port}`], [], 1], 'asked once, and the name stays the name');
  assert.deepEqual(await send(), { ok: false, detail: 'address denied' }, 'each attempt is checked anew');
  assert.deepEqual([hosts.denied, asked()], [[], 2]);
});

test('one denied address among several is enough, whatever its order; a name without any is not found', async () => {
  const before = hosts.allowed.length;
  assert.deepEqual(await rebinding(['127.0.0.1', '127.0.0.2']).send(), { ok: false, detail: 'address denied' });
  assert.deepEqual(await rebinding(['127.0.0.2', '127.0.0.1']).send(), { ok: false, detail: 'address denied' });
  assert.deepEqual(await rebinding([]).send(), { ok: false, detail: 'name not found' });
  assert.deepEqual([hosts.allowed.length, hosts.denied], [before, []]);
});
