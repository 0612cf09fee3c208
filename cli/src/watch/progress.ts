/** How far a running audit is, in `audit/progress.json`: sealed, and replaced whole or not at all. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSealedText, sealText } from '@airtight/protocol';
import type { Finding } from '../audit/finding.ts';
import type { DataDirectory } from '../data-directory.ts';
import { writeDurably } from '../mirror/mirror-info.ts';
import type { AuditTask } from './task.ts';

const PROGRESS_FORMAT = 'airtight-audit-progress@1';

/** What was found and is looked at again in every round until it is gone. */
export interface OpenFinding {
  /** Id of the alert. */
  readonly alert: string;
  readonly finding: Finding;
  readonly task: AuditTask;
  /** Epoch ms. */
  readonly since: number;
  /** The alert is on record; false while the services were stopped. */
  readonly isTold: boolean;
}

export interface AuditProgress {
  readonly format: typeof PROGRESS_FORMAT;
  /** Batches below were audited once. */
  readonly batches: number;
  /** The ledger's checkpoint that was audited last: every later one must begin with it. Root in hex. */
  readonly ledger: { readonly size: number; readonly root: string } | null;
  /** Where the share of what is old goes on: batch and bundle. */
  readonly nextOld: { readonly batch: number; readonly bundle: number };
  /** Epoch ms: when round and period tasks were last done; 0: never. */
  readonly roundAt: number;
  readonly periodAt: number;
  readonly open: readonly OpenFinding[];
}

const NOTHING_YET: AuditProgress = {
  format: PROGRESS_FORMAT,
  batches: 0,
  ledger: null,
  nextOld: { batch: 0, bundle: 0 },
  roundAt: 0,
  periodAt: 0,
  open: [],
};

/** From the beginning, where there is none or it was changed: then everything is read once more. */
export function readProgress(data: DataDirectory): AuditProgress {
  const file = fileOf(data);
  const line = existsSync(file) ? openSealedText(readFileSync(file, 'utf8')) : undefined;
  const progress = line === undefined ? undefined : (JSON.parse(line) as AuditProgress);
  return progress?.format === PROGRESS_FORMAT ? progress : NOTHING_YET;
}

export function writeProgress(data: DataDirectory, progress: AuditProgress): void {
  mkdirSync(join(data.root, 'audit'), { recursive: true, mode: 0o700 });
  writeDurably(fileOf(data), sealText(JSON.stringify(progress)));
}

function fileOf(data: DataDirectory): string {
  return join(data.root, 'audit', 'progress.json');
}
