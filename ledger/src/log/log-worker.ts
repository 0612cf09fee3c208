/** The thread that keeps the log: opens it, appends, publishes. See log-thread.ts. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { splitEntries } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { readLedgerKey } from '../ledger-key.ts';
import { isUnusedKey, markKeyUsed } from '../signing-key-file.ts';
import { nodeFileSystem, watchSyncs } from '../storage/file-system.ts';
import { type Appended, createLedger, type Ledger, loadLedger } from './ledger.ts';
import type { LogAnswer, LogCall, LogPlace } from './log-thread.ts';

let ledger: Ledger | undefined;
let syncs = 0;
const fs = watchSyncs(nodeFileSystem, () => {
  syncs++;
});

async function openLog({ dir, origin, keyFile, nextKeyFile }: LogPlace): Promise<Ledger> {
  const key = await readLedgerKey(keyFile, origin);
  if (nextKeyFile !== '') {
    const nextKey = await readLedgerKey(nextKeyFile, origin);
    // It takes over a log; it must not begin one.
    await markKeyUsed(nextKeyFile);
    return loadLedger({ dir, fs, key, nextKey });
  }
  if (!(await isUnusedKey(keyFile))) return loadLedger({ dir, fs, key });
  await mkdir(dirname(dir), { recursive: true });
  const created = await createLedger({ dir, fs, key }).catch((error) => {
    // A crash came between creating the log and marking the key.
    if (error instanceof LedgerError && error.code === 'LEDGER_EXISTS') return loadLedger({ dir, fs, key });
    throw error;
  });
  await markKeyUsed(keyFile);
  return created;
}

async function answerTo(call: LogCall): Promise<Appended | undefined> {
  if (call.type === 'open') ledger = await openLog(call.place);
  else if (call.type === 'append') return ledger?.append(entriesOf(call.bundle));
  else if (call.type === 'publishCosigned') await ledger?.publishCosigned(call.cosigned, call.isFinal);
  else if (call.type === 'removeObsolete') await ledger?.removeObsolete();
  else if (call.type === 'forgetFinal') ledger?.forgetFinal();
  else ledger?.close();
  return undefined;
}

function entriesOf(bundle: Uint8Array): readonly Uint8Array[] {
  const entries = splitEntries(bundle);
  if (!entries.ok) throw new Error(`entries were damaged between threads: ${entries.detail}`);
  return entries.value;
}

function answer(call: number, rest: Pick<LogAnswer, 'appended' | 'failure'>): void {
  const view = ledger === undefined ? null : { vkeys: ledger.vkeys, published: ledger.published, final: ledger.final };
  parentPort?.postMessage({ call, view, syncs, ...rest } satisfies LogAnswer);
  syncs = 0;
}

parentPort?.on('message', async ({ number, call }: { number: number; call: LogCall }) => {
  try {
    const appended = await answerTo(call);
    answer(number, appended === undefined ? {} : { appended });
  } catch (error) {
    answer(number, { failure: error instanceof LedgerError ? { error, code: error.code, detail: error.detail } : { error } });
  }
});
