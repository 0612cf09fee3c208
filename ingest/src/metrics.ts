/** What ingest counts. Names begin `airtight_ingest_`. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

export interface IngestMetrics {
  readonly registry: Registry;
  readonly accepted: Counter;
  readonly revisions: Counter;
  readonly repeats: Counter;
  readonly quarantined: Counter<'code'>;
  readonly refusedLogins: Counter<'code'>;
  readonly endedSessions: Counter;
  readonly refusedUploads: Counter<'code'>;
  readonly brokenUploads: Counter;
  readonly violations: Counter;
  readonly refusedConnections: Counter<'limit'>;
  readonly throttled: Counter<'limit'>;
  readonly slowSubscribers: Counter;
  readonly announcementsDropped: Counter;
  readonly anchored: Counter;
  readonly anchorRetries: Counter;
  readonly connections: Gauge;
  readonly storageFault: Gauge;
  readonly storageFaults: Counter<'code'>;
  readonly compressedBytes: Counter<'form'>;
  readonly compressionFailures: Counter;
  readonly commitSeconds: Histogram;
  readonly eventLoopDelaySeconds: Histogram;
}

export function createMetrics(): IngestMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name: `airtight_ingest_${name}`, help, registers });
  return {
    registry,
    accepted: counter('records_total', 'Records stored'),
    revisions: counter('revisions_total', 'Records whose identity was known with other content'),
    repeats: counter('repeats_total', 'Messages that were stored already'),
    quarantined: new Counter({
      name: 'airtight_ingest_quarantined_total',
      help: 'Messages kept in quarantine',
      labelNames: ['code'],
      registers,
    }),
    refusedLogins: new Counter({
      name: 'airtight_ingest_refused_logins_total',
      help: 'MQTT connections and HTTP requests refused for their credentials or client id',
      labelNames: ['code'],
      registers,
    }),
    endedSessions: counter('ended_sessions_total', 'Connections and uploads cut because their credentials were revoked or expired'),
    refusedUploads: new Counter({
      name: 'airtight_ingest_refused_uploads_total',
      help: 'HTTP publishes answered with a problem other than wrong credentials',
      labelNames: ['code'],
      registers,
    }),
    brokenUploads: counter('broken_uploads_total', 'HTTP publishes whose sender went away in the middle'),
    violations: counter('violations_total', 'MQTT connections closed for breaking the protocol or a limit'),
    refusedConnections: new Counter({
      name: 'airtight_ingest_refused_connections_total',
      help: 'MQTT connections closed for a limit on connections',
      labelNames: ['limit'],
      registers,
    }),
    throttled: new Counter({
      name: 'airtight_ingest_throttled_total',
      help: 'Times that a device was not read for a while because it sent faster than its rate (rate) or its share of a commit (share)',
      labelNames: ['limit'],
      registers,
    }),
    slowSubscribers: counter('slow_subscribers_total', 'Subscribers dropped because they did not read'),
    announcementsDropped: counter('announcements_dropped_total', 'Live messages and receipts not sent because subscribers were too slow'),
    anchored: counter('batches_anchored_total', 'Batches accepted by the ledger'),
    anchorRetries: counter('anchor_retries_total', 'Requests the ledger did not accept'),
    connections: new Gauge({ name: 'airtight_ingest_connections', help: 'MQTT connections', registers }),
    storageFault: new Gauge({
      name: 'airtight_ingest_storage_fault',
      help: '1 while nothing can be stored and nothing is taken',
      registers,
    }),
    storageFaults: new Counter({
      name: 'airtight_ingest_storage_faults_total',
      help: 'Times that nothing could be stored and that are over',
      labelNames: ['code'],
      registers,
    }),
    compressedBytes: new Counter({
      name: 'airtight_ingest_compressed_bytes_total',
      help: 'Bytes of sealed segments, before (segment) and after (compressed) compression',
      labelNames: ['form'],
      registers,
    }),
    compressionFailures: counter('compression_failures_total', 'Sealed segments that could not be compressed and were left as they are'),
    commitSeconds: new Histogram({
      name: 'airtight_ingest_commit_seconds',
      help: 'Duration of a group commit',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    eventLoopDelaySeconds: new Histogram({
      name: 'airtight_ingest_event_loop_delay_seconds',
      help: 'How much later than asked a timer came: what every device waits for beside the disk',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1],
      registers,
    }),
  };
}
