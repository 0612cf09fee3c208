import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import {
  formatWebhookSecret,
  parseWebhookSecret,
  signWebhook,
  verifyWebhook,
  WEBHOOK_SECRETS_MAX,
  WEBHOOK_SIGNATURE_MAX_LENGTH,
  WEBHOOK_TOLERANCE_S,
} from './standard-webhooks.ts';

/** The example of the specification and of its reference implementations. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP_S = 1_614_265_330;
const BODY = new TextEncoder().encode('{"test": 2432232314}');
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const headers = { id: ID, timestamp: String(TIMESTAMP_S), signature: SIGNATURE };

const signed = (secrets: readonly string[], body: Uint8Array = BODY): string => {
  const outcome = signWebhook({ id: ID, timestampS: TIMESTAMP_S }, body, secrets);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.signature;
};
const verdict = (change: Partial<typeof headers> = {}, { body = BODY, secrets = [SECRET], nowS = TIMESTAMP_S } = {}): string => {
  const outcome = verifyWebhook({ ...headers, ...change }, body, secrets, nowS);
  return outcome.ok ? 'right' : outcome.reason;
};

test('the example of the specification is signed and verified', () => {
  assert.equal(signed([SECRET]), SIGNATURE);
  assert.deepEqual(verifyWebhook(headers, BODY, [SECRET], TIMESTAMP_S), { ok: true, id: ID, timestampS: TIMESTAMP_S });
});

test('signatures equal those of OpenSSL, for bodies of any bytes and lengths', () => {
  for (let length = 0; length < 200; length += 7) {
    const body = Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 0xff);
    const mac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${ID}.${TIMESTAMP_S}.`).update(body).digest('base64');
    assert.equal(signed([OTHER], body), `v1,${mac}`);
  }
});

test('while a secret is changed, both sign, and a receiver that knows one is content', () => {
  const both = signed([OTHER, SECRET]);
  assert.match(both, /^v1,\S{44} v1,\S{44}$/);
  assert.equal(verdict({ signature: both }), 'right');
  assert.equal(verdict({ signature: both }, { secrets: [OTHER] }), 'right');
  assert.equal(verdict({ signature: signed([OTHER]) }), 'signature');
  assert.equal(verdict({}, { secrets: [OTHER, SECRET] }), 'right');
});

test('signatures of other versions are passed over', () => {
  assert.equal(verdict({ signature: `v1a,aGVsbG8= v2,x ${SIGNATURE}` }), 'right');
  assert.equal(verdict({ signature: SIGNATURE.replace('v1,', 'v1a,') }), 'signature');
  assert.equal(verdict({ signature: SIGNATURE.slice(3) }), 'signature');
});

test('whatever is changed is found: any bit of the body, the id, the time, the signature', () => {
  for (let bit = 0; bit < BODY.length * 8; bit += 1) {
    const body = BODY.slice();
    body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(verdict({}, { body }), 'signature');
  }
  assert.equal(verdict({ id: `${ID}x` }), 'signature');
  assert.equal(verdict({ timestamp: String(TIMESTAMP_S + 1) }), 'signature');
  for (let at = 0; at < SIGNATURE.length; at += 1) {
    const other = SIGNATURE[at] === 'A' ? 'B' : 'A';
    assert.equal(verdict({ signature: SIGNATURE.slice(0, at) + other + SIGNATURE.slice(at + 1) }), 'signature');
  }
  // The last character of the base64 form carries two spare bits: another writing of the same bytes is not taken.
  assert.equal(verdict({ signature: SIGNATURE.replace('OE=', 'OF=') }), 'signature');
});

test('the tolerance includes its ends, before and after', () => {
  assert.equal(verdict({}, { nowS: TIMESTAMP_S + WEBHOOK_TOLERANCE_S }), 'right');
  assert.equal(verdict({}, { nowS: TIMESTAMP_S + WEBHOOK_TOLERANCE_S + 1 }), 'too-old');
  assert.equal(verdict({}, { nowS: TIMESTAMP_S - WEBHOOK_TOLERANCE_S }), 'right');
  assert.equal(verdict({}, { nowS: TIMESTAMP_S - WEBHOOK_TOLERANCE_S - 1 }), 'too-new');
  assert.equal(verdict({}, { nowS: Number.NaN }), 'too-old');
  // Without a right signature nothing is told about the clock.
  assert.equal(verdict({ signature: 'v1,' }, { nowS: 0 }), 'signature');
});

test('headers that are missing or malformed are refused by name', () => {
  assert.equal(
    verifyWebhook({ id: undefined, timestamp: '1', signature: 'v1,' }, BODY, [SECRET], 1).ok ||
      verifyWebhook({ id: 'a', timestamp: undefined, signature: 'v1,' }, BODY, [SECRET], 1).ok ||
      verifyWebhook({ id: 'a', timestamp: '1', signature: undefined }, BODY, [SECRET], 1).ok,
    false,
  );
  for (const id of ['', 'a.b', 'a b', 'é', 'a\n', 'x'.repeat(129)]) assert.equal(verdict({ id }), 'id', id);
  for (const timestamp of ['', '-1', '+1', '1.5', '1e3', '0x1', '01', ' 1', '1\n', 'NaN', '9'.repeat(12)]) {
    assert.equal(verdict({ timestamp }), 'timestamp', timestamp);
  }
  assert.equal(verdict({ signature: `${SIGNATURE} ${'v'.repeat(WEBHOOK_SIGNATURE_MAX_LENGTH)}` }), 'signature');
});

test('nothing is signed that could not be verified', () => {
  const reasonOf = (id: string, timestampS: number, secrets: readonly string[]) => {
    const outcome = signWebhook({ id, timestampS }, BODY, secrets);
    return outcome.ok ? 'signed' : outcome.reason;
  };
  assert.equal(reasonOf('a.b', 1, [SECRET]), 'id');
  assert.equal(reasonOf('a', 1.5, [SECRET]), 'timestamp');
  assert.equal(reasonOf('a', Number.NaN, [SECRET]), 'timestamp');
  assert.equal(reasonOf('a', 1, []), 'secret');
  assert.equal(reasonOf('a', 1, [SECRET, 'whsec_']), 'secret');
  assert.equal(
    reasonOf(
      'a',
      1,
      Array.from({ length: WEBHOOK_SECRETS_MAX + 1 }, () => SECRET),
    ),
    'secret',
  );
  assert.equal(
    reasonOf(
      'a',
      1,
      Array.from({ length: WEBHOOK_SECRETS_MAX }, () => SECRET),
    ),
    'signed',
  );
});

test('a secret has 24 to 64 bytes and its prefix', () => {
  for (let length = 0; length <= 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => at);
    const text = formatWebhookSecret(bytes);
    assert.equal(text !== null, length >= 24 && length <= 64);
    if (text !== null) assert.deepEqual(parseWebhookSecret(text), bytes);
    else assert.equal(parseWebhookSecret(`whsec_${Buffer.from(bytes).toString('base64')}`), null);
  }
  for (const wrong of [SECRET.slice(6), `whsk_${SECRET.slice(6)}`, `${SECRET}=`, `${SECRET}\n`, SECRET.replace('M', '-'), '']) {
    assert.equal(parseWebhookSecret(wrong), null, wrong);
  }
});
