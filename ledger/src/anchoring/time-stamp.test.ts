/** Our verdict on time stamps against that of `openssl ts -verify`, on good and damaged tokens of a local authority. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatTimeStampRequest, readTimeStampReply, verifyTimeStamp } from '@airtight/tlog';
import { type Authority, type AuthorityOptions, hasOpenssl, makeAuthority, openssl } from '../testing/local-authority.ts';
import { nodeCertifiedSignature } from './certified-signature.ts';
import { certificatesIn } from './root-certificates.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ledger-time-stamp-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const skip = hasOpenssl() ? false : 'the program openssl, version 3, is not there';

const body = 'ledger.example.gov/beijing\n20852\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n';
const imprint = createHash('sha256').update(body).digest();
const NONCE = Buffer.from('0123456789abcdef', 'hex');
let made = 0;

interface Stamped {
  readonly authority: Authority;
  readonly token: Uint8Array;
}

function stamp(options: AuthorityOptions = {}): Stamped {
  const authority = makeAuthority(join(scratch, String(made++)), options);
  const token = readTimeStampReply(authority.reply(formatTimeStampRequest(imprint, NONCE)));
  assert.ok(token.ok, JSON.stringify(token));
  return { authority, token: token.value };
}

/** Code of our verdict; undefined: all of it holds. */
function ourVerdict(token: Uint8Array, rootFile: string, hash: Uint8Array = imprint): string | undefined {
  const roots = certificatesIn(readFileSync(rootFile, 'utf8'));
  const verdict = verifyTimeStamp(token, { imprint: hash, nonce: NONCE, roots, verifySignature: nodeCertifiedSignature });
  if (!verdict.ok) return verdict.code;
  assert.equal(verdict.value.unchecked, null);
  return undefined;
}

/** That of OpenSSL at the time that the token says, which is now. */
function opensslAccepts(token: Uint8Array, rootFile: string, text = body): boolean {
  const [tokenFile, dataFile] = [join(scratch, 'token'), join(scratch, 'data')];
  writeFileSync(tokenFile, token);
  writeFileSync(dataFile, text);
  try {
    openssl('ts', '-verify', '-token_in', '-in', tokenFile, '-data', dataFile, '-CAfile', rootFile);
    return true;
  } catch {
    return false;
  }
}

const KINDS: readonly AuthorityOptions[] = [
  { key: 'rsa' },
  { key: 'p256' },
  { key: 'p384', intermediate: true },
  { key: 'rsa', certificateId: 'sha1', intermediate: true },
];

for (const options of KINDS) {
  test(`a good token passes with OpenSSL and with us: ${JSON.stringify(options)}`, { skip }, () => {
    const { authority, token } = stamp(options);
    assert.equal(opensslAccepts(token, authority.rootFile), true);
    assert.equal(ourVerdict(token, authority.rootFile), undefined);
    const roots = certificatesIn(readFileSync(authority.rootFile, 'utf8'));
    const verdict = verifyTimeStamp(token, { imprint, roots });
    assert.ok(verdict.ok);
    assert.equal(verdict.value.authority, 'Test tsa');
    assert.equal(verdict.value.policy, '1.2.3.4.1');
    assert.ok(Math.abs(verdict.value.time - Date.now()) < 60_000);
    // Without OpenSSL, as in a browser: ECDSA is checked wholly, of RSA it is said that it is not.
    if (options.key === 'rsa') assert.match(verdict.value.unchecked ?? '', /rsa/);
    else assert.equal(verdict.value.unchecked, null);
  });
}

test('who trusts nobody is told so, and gets no verdict on the time', { skip }, () => {
  const verdict = verifyTimeStamp(stamp().token, { imprint, roots: [], verifySignature: nodeCertifiedSignature });
  assert.ok(verdict.ok);
  assert.match(verdict.value.unchecked ?? '', /no root certificate/);
});

test('what OpenSSL refuses we refuse: another root, something else stamped, a certificate that ended, one for other purposes', {
  skip,
}, () => {
  const { authority, token } = stamp();
  const other = makeAuthority(join(scratch, String(made++)));
  assert.equal(opensslAccepts(token, other.rootFile), false);
  assert.equal(ourVerdict(token, other.rootFile), 'TIMESTAMP_UNTRUSTED');
  assert.equal(opensslAccepts(token, authority.rootFile, `${body}x`), false);
  assert.equal(ourVerdict(token, authority.rootFile, createHash('sha256').update(`${body}x`).digest()), 'TIMESTAMP_MISMATCH');
  const expired = stamp({ expired: true });
  assert.equal(opensslAccepts(expired.token, expired.authority.rootFile), false);
  assert.equal(ourVerdict(expired.token, expired.authority.rootFile), 'TIMESTAMP_UNTRUSTED');
  assert.equal(ourVerdict(token.subarray(0, -1), authority.rootFile), 'TIMESTAMP_MALFORMED');
  assert.equal(ourVerdict(Buffer.concat([token, Buffer.of(0)]), authority.rootFile), 'TIMESTAMP_MALFORMED');
  const nonce = Buffer.from('0123456789abcdee', 'hex');
  const replayed = verifyTimeStamp(token, { imprint, nonce, roots: [] });
  assert.equal(replayed.ok ? undefined : replayed.code, 'TIMESTAMP_MISMATCH');
});

test('a flipped bit anywhere: we never take what OpenSSL refuses', { skip, timeout: 120_000 }, () => {
  const { authority, token } = stamp({ key: 'p256' });
  const roots = certificatesIn(readFileSync(authority.rootFile, 'utf8'));
  const taken: number[] = [];
  for (let at = 0; at < token.length; at++) {
    for (const bit of [0x01, 0x80]) {
      const changed = Uint8Array.from(token);
      changed[at] = (changed[at] as number) ^ bit;
      const verdict = verifyTimeStamp(changed, { imprint, nonce: NONCE, roots, verifySignature: nodeCertifiedSignature });
      if (verdict.ok && verdict.value.unchecked === null) {
        taken.push(at);
        assert.equal(opensslAccepts(changed, authority.rootFile), true, `byte ${at}`);
      }
    }
  }
  // Outside of what is signed stand two version numbers and a list of algorithms that nobody needs.
  assert.deepEqual(taken, []);
  // And OpenSSL refuses what we refuse, wherever what is signed was changed.
  for (let at = 7; at < token.length; at += 97) {
    const changed = Uint8Array.from(token);
    changed[at] = (changed[at] as number) ^ 0x01;
    assert.equal(ourVerdict(changed, authority.rootFile) === undefined, opensslAccepts(changed, authority.rootFile), `byte ${at}`);
  }
});
