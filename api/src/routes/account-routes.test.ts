import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CSRF_HEADER, DEVICES_DATASET, type Session } from '@airtight/protocol';
import { ADMIN_PASSWORD, Deployment, stationRecord } from '../testing/deployment.ts';
import { TEST_TOKEN } from '../testing/journal-server.ts';

const d = new Deployment();

before(async () => {
  await d.begin({ AIRTIGHT_API_ANONYMOUS_ROLE: 'none' });
  d.defineAir();
  await d.user('chief', 'administrator', ADMIN_PASSWORD);
  await d.user('vera', 'viewer', 'vera-password');
  await d.startApi();
  await d.settled();
});
after(() => d.end());

interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
}

async function signIn(name: string, password: string): Promise<SignedIn> {
  const response = await post('/api/v1/session', { name, password });
  assert.equal(response.status, 200, await response.clone().text());
  const cookie = response.headers.get('set-cookie') ?? '';
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Strict/);
  const session = (await response.json()) as Session;
  return { cookie: cookie.split(';')[0] as string, csrf: session.csrf as string };
}

function post(path: string, body: unknown, headers: { [name: string]: string } = {}, method = 'POST'): Promise<Response> {
  return fetch(`${d.api.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

test('the token of our own services reads as a viewer and no more; another or an empty one is refused', async () => {
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const get = (path: string, token: string) => fetch(`${d.api.url}${path}`, as(token));
  assert.equal((await get('/api/v1/latest', TEST_TOKEN)).status, 200);
  for (const path of ['/api/v1/quarantine', '/api/v1/users', '/api/v1/tokens'])
    assert.equal(await codeOf(await get(path, TEST_TOKEN)), 'ROLE_REQUIRED', path);
  const change = await post('/api/v1/tokens', { title: 't', role: 'administrator' }, { authorization: `Bearer ${TEST_TOKEN}` });
  assert.equal(await codeOf(change), 'ROLE_REQUIRED');
  for (const token of [`${TEST_TOKEN}x`, 'x']) assert.equal(await codeOf(await get('/api/v1/latest', token)), 'CREDENTIALS_WRONG');
});

test('without a session nothing is read, and the session says so', async () => {
  const response = await d.get('/api/v1/latest');
  assert.deepEqual([response.status, await codeOf(response)], [401, 'SESSION_REQUIRED']);
  assert.deepEqual(await d.json('/api/v1/session'), { name: null, role: null, csrf: null });
  assert.equal((await d.get('/readyz')).status, 200);
});

test('a wrong password and an unknown name are refused alike', async () => {
  for (const body of [
    { name: 'chief', password: 'wrong' },
    { name: 'nobody', password: 'wrong' },
  ]) {
    const response = await post('/api/v1/session', body);
    assert.deepEqual([response.status, await codeOf(response)], [401, 'CREDENTIALS_WRONG']);
  }
});

test('a role does what it may; a changing request with a cookie needs the CSRF token', async () => {
  const vera = await signIn('vera', 'vera-password');
  assert.equal((await d.get('/api/v1/latest', { cookie: vera.cookie })).status, 200);
  const users = await d.get('/api/v1/users', { cookie: vera.cookie });
  assert.deepEqual([users.status, await codeOf(users)], [403, 'ROLE_REQUIRED']);
  const chief = await signIn('chief', ADMIN_PASSWORD);
  const without = await post('/api/v1/users', { name: 'otto', role: 'operator' }, { cookie: chief.cookie });
  assert.deepEqual([without.status, await codeOf(without)], [403, 'CSRF_TOKEN_WRONG']);
  const made = await post('/api/v1/users', { name: 'otto', role: 'operator' }, { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf });
  assert.equal(made.status, 201);
  const { password } = (await made.json()) as { password: string };
  const otto = await signIn('otto', password);
  const quarantine = await d.get('/api/v1/quarantine', { cookie: otto.cookie });
  assert.equal(quarantine.status, 200);
  const again = await post('/api/v1/users', { name: 'otto', role: 'viewer' }, { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf });
  assert.equal(await codeOf(again), 'NAME_TAKEN');
  const disabled = await post('/api/v1/users/otto/disable', undefined, { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf });
  assert.equal(disabled.status, 200);
  assert.equal((await d.get('/api/v1/quarantine', { cookie: otto.cookie })).status, 401, 'a disabled account is out at once');
  const last = await post('/api/v1/users/chief/disable', undefined, { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf });
  assert.equal(last.status, 400);
  const out = await post('/api/v1/session', undefined, { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf }, 'DELETE');
  assert.equal(out.status, 204);
  assert.equal((await d.get('/api/v1/users', { cookie: chief.cookie })).status, 401);
});

test('a person whose account is disabled is thrown out of the stream', async () => {
  const chief = await signIn('chief', ADMIN_PASSWORD);
  const headers = { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf };
  const made = (await (await post('/api/v1/users', { name: 'wanda', role: 'viewer' }, headers)).json()) as { password: string };
  const wanda = await signIn('wanda', made.password);
  // Node's WebSocket takes headers in its second argument; its type does not know.
  const socket = new WebSocket(`${d.api.url.replace('http', 'ws')}/api/v1/stream`, { headers: { cookie: wanda.cookie } } as never);
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  const closed = new Promise<string>((resolve) => {
    socket.onclose = ({ reason }) => resolve(reason);
  });
  await post('/api/v1/users/wanda/disable', undefined, headers);
  assert.equal(await closed, 'SESSION_REQUIRED');
});

test('API tokens work until they are revoked, and are told once', async () => {
  const chief = await signIn('chief', ADMIN_PASSWORD);
  const headers = { cookie: chief.cookie, [CSRF_HEADER]: chief.csrf };
  const made = (await (await post('/api/v1/tokens', { title: 'export', role: 'viewer' }, headers)).json()) as { id: string; token: string };
  const authorization = `Bearer ${made.token}`;
  assert.equal((await d.get('/api/v1/datasets', { authorization })).status, 200);
  assert.equal((await d.get('/api/v1/users', { authorization })).status, 403);
  const list = await (await d.get('/api/v1/tokens', { cookie: chief.cookie })).text();
  assert.equal(list.includes(made.token.split('_')[2] as string), false);
  assert.equal((await post(`/api/v1/tokens/${made.id}`, undefined, headers, 'DELETE')).status, 200);
  assert.equal((await d.get('/api/v1/datasets', { authorization })).status, 401);
  assert.equal((await d.get('/api/v1/datasets', { authorization: 'Bearer at_x_y' })).status, 401);
});

test('records with hashes of secrets are for administrators alone', async () => {
  const position = d.control(DEVICES_DATASET, stationRecord('s9'));
  await d.settled();
  const vera = await signIn('vera', 'vera-password');
  for (const path of [`/api/v1/records/${position}`, `/api/v1/records/${position}/proof`]) {
    assert.equal((await d.get(path, { cookie: vera.cookie })).status, 403);
  }
  const chief = await signIn('chief', ADMIN_PASSWORD);
  assert.equal((await d.get(`/api/v1/records/${position}`, { cookie: chief.cookie })).status, 200);
});

test('guessing passwords is slowed down', async () => {
  const guess = () => post('/api/v1/session', { name: 'chief', password: 'x'.repeat(300) });
  let answer = await guess();
  // Ten a minute; where the minute ends meanwhile it takes as many again.
  for (let i = 0; i < 24 && answer.status !== 429; i++) answer = await guess();
  assert.deepEqual([answer.status, await codeOf(answer)], [429, 'RATE_LIMITED']);
});

test('the internal door takes the services token alone', async () => {
  assert.equal((await post('/internal/digest-store', undefined)).status, 401);
  const answer = await post('/internal/digest-store', undefined, { authorization: 'Bearer test-token' });
  assert.equal(((await answer.json()) as { control: { rows: number } }).control.rows > 0, true);
});
