/** What the benchmark and the writers of entries, a process of their own, tell each other. */

export interface WriteRequest {
  readonly type: 'write';
  readonly port: number;
  /** The ledger's internal token. */
  readonly token: string;
  /** Connections; each has one request under way at a time. */
  readonly writers: number;
  readonly entriesPerRequest: number;
  /** Requests of all writers together; none: until `stop`. */
  readonly requests?: number;
  /** Entries per second of all writers together; none: every answer is followed by the next request. */
  readonly ratePerSecond?: number;
  /** Number of the first entry: no two entries of a log are alike. */
  readonly firstEntry: number;
}

export interface StopRequest {
  readonly type: 'stop';
}

export interface Written {
  readonly type: 'written';
  readonly entries: number;
  readonly durationMs: number;
  /** From the request to its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answered 503 and sent again. */
  readonly refused: number;
  readonly minIndex: number;
  readonly maxIndex: number;
  /** CPU time of this process. */
  readonly cpuMs: number;
}

export type WriterAnswer = { readonly type: 'ready' } | Written;
