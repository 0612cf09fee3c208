import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Deployment } from '../testing/deployment.ts';

const d = new Deployment();

before(async () => {
  await d.begin({ AIRTIGHT_API_ANONYMOUS_ROLE: 'none' });
  await d.startApi();
});
after(() => d.end());

function publish(): Promise<Response> {
  return fetch(`${d.api.url}/api/v1/records`, {
    method: 'POST',
    headers: { authorization: 'Basic cDpzZWNyZXQ=', 'content-type': 'application/x-ndjson', 'accept-language': 'en' },
    body: '{"t":1735689600000,"m":{"pm25":1}}\n'.repeat(20_000),
  });
}

test('while ingest is away a device is told to come again, whatever the upload still holds', async () => {
  await d.journal.stop();
  for (let attempt = 0; attempt < 3; attempt++) {
    const response = await publish();
    assert.equal(response.headers.get('retry-after'), '1');
    const { code, title } = (await response.json()) as { code: string; title: string };
    assert.deepEqual([response.status, code, title], [503, 'SERVICE_UNAVAILABLE', 'A service this needs is not available']);
  }
});
