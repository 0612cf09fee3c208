import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAuthorization } from './authentication.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('Basic credentials: the secret may hold colons, the name may not [RFC 7617 §2]', () => {
  assert.deepEqual(parseAuthorization(basic('p:a:b')), { username: 'p', secret: 'a:b' });
  assert.deepEqual(parseAuthorization(basic('p:密码').replace('Basic', 'bAsIc ')), { username: 'p', secret: '密码' });
  assert.deepEqual(parseAuthorization(basic(':')), { username: '', secret: '' });
});

test('what is no Basic credentials is nothing', () => {
  for (const header of [undefined, '', 'Basic', 'Basic ', 'Basic !', basic('no colon'), 'Bearer cDpx', basic(`p:${'x'.repeat(4096)}`)])
    assert.equal(parseAuthorization(header), undefined, `${header?.slice(0, 40)}`);
});
