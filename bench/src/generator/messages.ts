/** What the benchmark and its load generator, a process of its own, tell each other. */

/** One connection's identity. The topic is the one it publishes to. */
export interface Device {
  readonly clientId: string;
  /** Empty: connect without credentials. */
  readonly username: string;
  readonly password: string;
  readonly topic: string;
}

export interface ConnectRequest {
  readonly type: 'connect';
  readonly host: string;
  readonly port: number;
  readonly devices: readonly Device[];
  /** Most messages one connection may have unacknowledged. */
  readonly inFlight: number;
  /** Sequence number of each connection's first message; two generators on one broker must not overlap. */
  readonly firstSeq: number;
}

export interface RoundRequest {
  readonly type: 'round';
  /** Sent but not counted, before the measured part. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  /**
   * Open loop: messages per second over all connections, whatever the broker does. Absent: closed loop, every
   * acknowledgement is answered with the next message.
   */
  readonly ratePerSecond?: number;
  /** Open loop: messages a connection sends together, as a device with a small buffer does. */
  readonly burst?: number;
  /** Processes whose CPU time over the measured part is wanted. */
  readonly pids: { readonly [name: string]: number };
  /** Also count acknowledgements per this many ms, over the measured part. */
  readonly timelineMs?: number;
}

export type GeneratorRequest = ConnectRequest | RoundRequest;

export interface RoundResult {
  readonly type: 'result';
  readonly measuredMs: number;
  /** Acknowledged within the measured part. */
  readonly acked: number;
  readonly acksPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time (user and system) over the measured part. */
  readonly cpuMs: { readonly [name: string]: number };
  readonly generatorCpuMs: number;
  /** Cores that everything else on the machine used over the measured part: noise, which makes the round doubtful. */
  readonly othersCores: number;
  /** Sent and acknowledged over the whole round, warm-up and drain included. */
  readonly sentTotal: number;
  readonly ackedTotal: number;
  /** Open loop: messages that were due while all slots of the connection were in flight, and so not sent. */
  readonly withheld: number;
  /** Open loop: longest delay of the generator's own clock tick; large values make the latencies doubtful. */
  readonly lateMaxMs: number;
  /** Epoch ms at which the measured part began. */
  readonly measureStart: number;
  readonly timeline: readonly number[];
}

export type GeneratorAnswer = { readonly type: 'ready' } | { readonly type: 'connected' } | RoundResult;
