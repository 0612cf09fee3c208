/** What the API says of contracts (docs/reference/http-api.md), as far as the screens show it. Times are RFC 3339 unless named in ms. */
import type { AlarmLoad, BacktestDifference, TriedAlert } from '@airtight/contracts-engine';
import type { Bilingual } from '@airtight/protocol';

/** A version of a contract; `since`: from when it is, was or will be in force. */
export interface ContractItem {
  readonly contract: string;
  /** Lower-case hex SHA-256. */
  readonly version: string;
  readonly text: string;
  readonly author: string;
  readonly approver: string;
  /** Ids of the keys with which they signed. */
  readonly authorKey: string | null;
  readonly approverKey: string | null;
  readonly since: string;
  /** Position of the record that approved it. */
  readonly record: string;
}

/** A version in the history of its contract. */
export interface VersionItem extends ContractItem {
  /** From when it was not in force any more: another followed, or it was withdrawn. null: nothing ends it. */
  readonly until: string | null;
  readonly withdrawn: { readonly by: string; readonly at: string; readonly reason: string; readonly record: string } | null;
}

export interface DraftItem {
  readonly draft: string;
  readonly contract: string;
  readonly version: string;
  readonly text: string;
  readonly author: string;
  readonly authorKey: string | null;
  readonly at: string;
  /** null: from the approval on. */
  readonly effectiveFrom: string | null;
  readonly note: string;
  readonly state: 'open' | 'approved' | 'withdrawn';
  readonly record: string;
}

/** Line and column count from 1. */
export interface ContractFault extends Bilingual {
  readonly fault: string;
  readonly line: number;
  readonly column: number;
}

export interface CheckAnswer {
  readonly contract: string | null;
  readonly version: string | null;
  readonly faults: readonly ContractFault[];
}

export interface BacktestReport {
  readonly engine: string;
  readonly journal: { readonly from: number; readonly through: number };
  readonly read: { readonly records: number; readonly imported: number; readonly expired: number };
  readonly result: BacktestResult;
  readonly against: BacktestResult | null;
  readonly difference: BacktestDifference | null;
}

export interface BacktestResult {
  readonly contract: string;
  readonly version: string;
  readonly alerts: readonly TriedAlert[];
  readonly load: AlarmLoad;
}

export interface BacktestJob {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly progress: { readonly phase: 'read' | 'judge'; readonly done: number; readonly total: number } | null;
  readonly code?: string;
  readonly detail?: string;
  readonly report?: BacktestReport;
}
