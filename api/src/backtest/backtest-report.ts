/** What a backtest is asked and what it answers. The answer holds no time of day: the same run twice is byte-equal. */
import type { AlarmLoad, BacktestDifference, TriedAlert } from '@airtight/contracts-engine';

export interface BacktestRequest {
  /** YAML of the contract. */
  readonly text: string;
  /** YAML to compare with, or the version of a contract on record (64 hex digits), or `current`: the one in force. */
  readonly against: string | null;
  /** Epoch ms, the end not included. */
  readonly from: number;
  readonly to: number;
  /** Only records of positions below; null: the journal as it is now. */
  readonly through: number | null;
}

export interface TrialResult {
  readonly contract: string;
  readonly version: string;
  readonly alerts: readonly TriedAlert[];
  /** Raised, and shown to be wrong by late data: not among the alerts. */
  readonly retracted: number;
  readonly passedOver: { readonly uncomputable: number; readonly late: number };
  readonly load: AlarmLoad;
  /** SHA-256 chained over every effect of the run, warm-up included. */
  readonly digest: string;
}

export interface BacktestReport {
  readonly format: 'airtight-backtest@1';
  readonly engine: string;
  /** Records of these positions were looked at: the first, and the one after the last. */
  readonly journal: { readonly from: number; readonly through: number };
  readonly from: number;
  readonly to: number;
  /** From then on readings were judged, so that windows are full at `from`; alerts raised before are not told. */
  readonly warmUpFrom: number;
  readonly read: {
    /** Records of the datasets that the contract reads, in the time that was judged. */
    readonly records: number;
    /** Of these, imported history: judged as if it had been received when it was measured. */
    readonly imported: number;
    readonly ticks: number;
    /** Ticks for the time before the first on record, so that silence can be judged. */
    readonly madeTicks: number;
    /** Records whose payload was removed by policy: not judged. */
    readonly expired: number;
    /** Records that cannot be read. */
    readonly opaque: number;
  };
  readonly result: TrialResult;
  readonly against: TrialResult | null;
  readonly difference: BacktestDifference | null;
}

/** How far it is: records of the journal looked at, then judged. */
export interface BacktestProgress {
  readonly phase: 'read' | 'judge';
  readonly done: number;
  readonly total: number;
}
