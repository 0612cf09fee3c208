/** More than a ledger can take: it says so at once, forgets nothing that it accepted, and takes the rest when it is sent again. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatEntryBundle } from '@airtight/tlog';
import { auditLedger } from '../audit/audit-ledger.ts';
import { resolveLedgerConfig } from '../config.ts';
import { generateLedgerKey } from '../ledger-key.ts';
import { PENDING_MAX_ENTRIES } from '../log/sequencer.ts';
import { ledgerDirectory, startLedger } from '../service.ts';

const ORIGIN = 'ledger.example/overload';
const WRITERS = 64;
/** Under way at once of each writer. */
const REQUESTS = 4;
const REQUEST_ENTRIES = 256;
const ENTRIES = WRITERS * REQUESTS * REQUEST_ENTRIES;
const dataDir = mkdtempSync(join(tmpdir(), 'ledger-overload-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));

test('64 writers send far more than may wait: 503 with Retry-After, and in the end every entry once', { timeout: 120_000 }, async (t) => {
  assert.ok(ENTRIES > 12 * PENDING_MAX_ENTRIES);
  mkdirSync(join(dataDir, 'keys'));
  writeFileSync(join(dataDir, 'keys', 'internal.token'), 'token');
  const config = resolveLedgerConfig({ dataDir, origin: ORIGIN, port: 0 }, {});
  const vkey = await generateLedgerKey(config.keyFile, ORIGIN);
  const ledger = await startLedger(config);
  t.after(() => ledger.close());
  const headers = { authorization: 'Bearer token', 'content-type': 'application/octet-stream' };
  let refusals = 0;
  const indexes: number[] = [];
  const write = async (request: number): Promise<void> => {
    const body = formatEntryBundle(Array.from({ length: REQUEST_ENTRIES }, (_, i) => Buffer.from(`request ${request} entry ${i}`)));
    for (;;) {
      const response = await fetch(`${ledger.url}/entries`, { method: 'POST', headers, body: Buffer.from(body) });
      const answer = (await response.json()) as { code: string; indexes: number[] };
      if (response.status === 200) {
        indexes.push(...answer.indexes);
        return;
      }
      assert.deepEqual([response.status, answer.code], [503, 'OVERLOADED']);
      assert.match(response.headers.get('retry-after') ?? '', /^[1-9][0-9]*$/);
      refusals++;
      await sleep(Number(response.headers.get('retry-after')) * 1000);
    }
  };
  await Promise.all(Array.from({ length: WRITERS * REQUESTS }, (_, request) => write(request)));
  assert.ok(refusals > 0, 'not all of it could wait');
  const metrics = await (await fetch(`${ledger.url}/metrics`)).text();
  assert.match(metrics, new RegExp(`^airtight_ledger_refusals_total\\{code="OVERLOADED"\\} ${refusals}$`, 'm'));
  assert.match(metrics, /^airtight_ledger_pending_entries 0$/m);
  assert.match(metrics, /^airtight_ledger_repeats_total 0$/m);
  assert.deepEqual(
    indexes.toSorted((a, b) => a - b),
    Array.from({ length: ENTRIES }, (_, i) => i),
  );
  const report = await auditLedger(ledgerDirectory(dataDir), vkey);
  assert.deepEqual([report.ok, report.entries], [true, ENTRIES]);
});
