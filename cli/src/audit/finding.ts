/** What an audit found: the first wrong place of a stage, by stable code. */
import type { Bilingual, Code } from '@airtight/protocol';

export type AuditStage = 'journal' | 'batches' | 'ledger' | 'state' | 'entries' | 'index' | 'derived' | 'keys' | 'store' | 'files';

export interface Finding {
  readonly stage: AuditStage;
  readonly code: Code;
  /** Relative to the data directory. */
  readonly file?: string;
  /** First byte of what is wrong. */
  readonly offset?: number;
  /** Journal position of the record, where it is about one. */
  readonly position?: number;
  readonly detail: string;
}

/** What a stage went through, in words a person can count with. */
export interface StageResult {
  readonly finding?: Finding;
  readonly counts: { readonly [what: string]: number };
  /** Not wrong, but worth knowing. */
  readonly remark?: Bilingual;
}

/** Tells how far a stage is. */
export type Progress = (done: number, total: number | undefined) => void;
