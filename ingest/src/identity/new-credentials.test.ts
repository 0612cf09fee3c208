import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCredentials } from './new-credentials.ts';
import { verifySecret } from './secret-hash.ts';

test('a monitor’s short password costs who guesses it sixteen times as much as a generated secret', async () => {
  const made = await makeCredentials({ hj212Password: true, password: true }, { producer: 'm1', now: 0, keysDir: '' });
  assert.ok(made.ok);
  const { shown, credentials } = made.value;
  const hashOf = (kind: string) => credentials.flatMap((one) => (one.kind === kind && 'hash' in one ? [one.hash] : []))[0] as string;
  assert.match(hashOf('hj212-password'), /^scrypt\$32768\$8\$1\$/);
  assert.match(hashOf('password'), /^scrypt\$2048\$8\$1\$/);
  assert.match(shown.hj212Password ?? '', /^\d{6}$/);
  assert.ok(await verifySecret(shown.hj212Password as string, hashOf('hj212-password')));
  assert.ok(!(await verifySecret('000000x', hashOf('hj212-password'))));
  assert.ok(await verifySecret(shown.secret as string, hashOf('password')));
});
