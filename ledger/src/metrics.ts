/** What the ledger counts. Names begin `airtight_ledger_`. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

export interface LedgerMetrics {
  readonly registry: Registry;
  readonly entries: Counter;
  readonly repeats: Counter;
  readonly commits: Counter;
  readonly syncs: Counter;
  readonly refusals: Counter<'code'>;
  readonly commitSeconds: Histogram;
  readonly witnessRequests: Counter<'status'>;
  readonly witnessSeconds: Histogram;
  readonly cosignatures: Counter<'witness'>;
  readonly cosignatureFailures: Counter<'witness'>;
  readonly evidence: Counter<'proven'>;
  readonly anchors: Counter<'sink'>;
  readonly anchorFailures: Counter<'sink'>;
}

export interface LedgerGauges {
  /** Entries under the published checkpoint. */
  size(): number;
  /** Entries that wait for a commit. */
  pending(): number;
  /** Entries under the newest checkpoint that the policy's quorum has cosigned. */
  finalSize(): number;
  /** By sink, how long the log has grown beyond its newest receipt, seconds. */
  anchorLags(): readonly { readonly sink: string; readonly lagS: number }[];
}

export function createMetrics(gauges: LedgerGauges): LedgerMetrics {
  const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name: `airtight_ledger_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('size_entries', 'Entries under the published checkpoint', gauges.size);
  gauge('pending_entries', 'Entries that wait for a commit', gauges.pending);
  gauge('final_size_entries', 'Entries under the newest checkpoint that enough witnesses have cosigned', gauges.finalSize);
  new Gauge({
    name: 'airtight_ledger_anchor_lag_seconds',
    help: 'Age of the newest outside anchor while the log has grown beyond it, by sink',
    labelNames: ['sink'],
    registers,
    collect() {
      for (const { sink, lagS } of gauges.anchorLags()) this.set({ sink }, lagS);
    },
  });
  const counter = (name: string, help: string): Counter => new Counter({ name: `airtight_ledger_${name}`, help, registers });
  return {
    registry,
    entries: counter('entries_total', 'Entries appended'),
    repeats: counter('repeats_total', 'Entries that were in the log already'),
    commits: counter('commits_total', 'Commits'),
    syncs: counter('syncs_total', 'Files and directories that were synced, the database once a commit'),
    refusals: new Counter({ name: 'airtight_ledger_refusals_total', help: 'Requests refused', labelNames: ['code'], registers }),
    commitSeconds: new Histogram({
      name: 'airtight_ledger_commit_seconds',
      help: 'Duration of a commit, from the first computation to the published checkpoint',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    ...witnessMetrics(registers),
  };
}

function witnessMetrics(registers: Registry[]) {
  const labelled = <T extends string>(name: string, help: string, label: T): Counter<T> =>
    new Counter({ name: `airtight_ledger_${name}`, help, labelNames: [label], registers });
  return {
    witnessRequests: labelled('witness_requests_total', 'Requests to cosign another log, by HTTP status', 'status'),
    witnessSeconds: new Histogram({
      name: 'airtight_ledger_witness_seconds',
      help: 'Duration of a request to cosign another log',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    cosignatures: labelled('cosignatures_total', 'Cosignatures of own checkpoints, by witness', 'witness'),
    cosignatureFailures: labelled(
      'cosignature_failures_total',
      'Attempts to have an own checkpoint cosigned that failed, by witness',
      'witness',
    ),
    anchors: labelled('anchors_total', 'Checkpoints anchored outside, by sink', 'sink'),
    anchorFailures: labelled('anchor_failures_total', 'Attempts to anchor a checkpoint that failed, by sink', 'sink'),
    evidence: labelled('evidence_total', 'Evidence of contradicting checkpoints that was kept, by whether it proves a fork', 'proven'),
  };
}
