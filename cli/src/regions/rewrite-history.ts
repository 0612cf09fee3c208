/**
 * The wrong that witnesses are there for, done for real: a region signs another history of its ledger, in which one batch
 * of readings is another one. Everything else is as it was, and whoever sees this history alone finds no fault with it.
 */
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BatchRecord, decodeBatchRecord, encodeBatchRecord } from '@airtight/protocol';
import { entryBundlePath, parseEntryBundle, readCheckpoint, TILE_WIDTH } from '@airtight/tlog';
import { EnvironmentError } from '../command.ts';
import type { Region } from './region.ts';

/** Entries that go into the new log at a time. */
const COMMIT_ENTRIES = 1000;

export interface Rewritten {
  /** Index of the entry that is another one. */
  readonly index: number;
  /** First and last record of its batch. */
  readonly first: number;
  readonly last: number;
  /** Of the log. */
  readonly size: number;
}

/**
 * Replaces the ledger of a region that is stopped. The honest one stays beside it, in `ledger.honest`.
 * @throws EnvironmentError when there is nothing yet that the others have cosigned
 */
export async function rewriteHistory({ data, origin }: Pick<Region, 'data' | 'origin'>): Promise<Rewritten> {
  const { createLedger, readLedgerKey } = await import('@airtight/ledger');
  const size = checkpointSize(join(data.ledger, 'checkpoint'));
  const finalSize = checkpointSize(join(data.ledger, 'checkpoint.final'));
  const entries = readEntries(data.ledger, size);
  const cosigned = entries.slice(0, finalSize).map((entry, index) => ({ index, batch: decodeBatchRecord(entry) }));
  const batches = cosigned.flatMap(({ index, batch }) => (batch.ok ? [{ index, batch: batch.value }] : []));
  // The largest one: it holds readings, and not the passing of time alone.
  const [chosen] = batches.toSorted((a, b) => b.batch.count - a.batch.count);
  if (chosen === undefined) throw new EnvironmentError({ zh: '账本中尚无已联署的批次。', en: 'The ledger has no cosigned batch yet.' });
  const { index, batch } = chosen;
  const [draft, honest] = [`${data.ledger}.draft`, `${data.ledger}.honest`];
  for (const path of [draft, honest]) rmSync(path, { recursive: true, force: true });
  const ledger = await createLedger({ dir: draft, key: await readLedgerKey(data.ledgerKeyFile, origin) });
  try {
    const rewritten = entries.with(index, encodeBatchRecord(withOtherRoot(batch)));
    for (let from = 0; from < size; from += COMMIT_ENTRIES) await ledger.append(rewritten.slice(from, from + COMMIT_ENTRIES));
  } finally {
    ledger.close();
  }
  // As a witness of others it stays honest, and must not forget what it has cosigned.
  cpSync(join(data.ledger, 'witness'), join(draft, 'witness'), { recursive: true });
  renameSync(data.ledger, honest);
  renameSync(draft, data.ledger);
  return { index, first: batch.first, last: batch.first + batch.count - 1, size };
}

/** As if one reading in it had been another one. */
function withOtherRoot(batch: BatchRecord): BatchRecord {
  const last = batch.root.endsWith('0') ? '1' : '0';
  return { ...batch, root: `${batch.root.slice(0, -1)}${last}` };
}

function checkpointSize(path: string): number {
  const checkpoint = existsSync(path) ? readCheckpoint(readFileSync(path)) : undefined;
  return checkpoint?.ok === true ? checkpoint.value.size : 0;
}

function readEntries(dir: string, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(size / TILE_WIDTH) }, (_, index) => {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const bundle = parseEntryBundle(readFileSync(join(dir, entryBundlePath(index, width))), width);
    if (!bundle.ok) throw new Error(`${entryBundlePath(index, width)}: ${bundle.detail}`);
    return bundle.value;
  }).flat();
}
