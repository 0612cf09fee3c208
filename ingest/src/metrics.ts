/** What ingest counts. Names begin `airtight_ingest_`. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

export interface IngestMetrics {
  readonly registry: Registry;
  readonly accepted: Counter;
  readonly revisions: Counter;
  readonly repeats: Counter;
  readonly quarantined: Counter<'code'>;
  readonly released: Counter;
  readonly refusedLogins: Counter<'code'>;
  readonly refusedUploads: Counter<'code'>;
  readonly brokenUploads: Counter;
  readonly violations: Counter;
  readonly slowSubscribers: Counter;
  readonly announcementsDropped: Counter;
  readonly anchored: Counter;
  readonly anchorRetries: Counter;
  readonly connections: Gauge;
  readonly commitSeconds: Histogram;
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
    released: counter('released_total', 'Messages released from quarantine'),
    refusedLogins: new Counter({
      name: 'airtight_ingest_refused_logins_total',
      help: 'MQTT connections and HTTP requests refused for their credentials or client id',
      labelNames: ['code'],
      registers,
    }),
    refusedUploads: new Counter({
      name: 'airtight_ingest_refused_uploads_total',
      help: 'HTTP publishes answered with a problem other than wrong credentials',
      labelNames: ['code'],
      registers,
    }),
    brokenUploads: counter('broken_uploads_total', 'HTTP publishes whose sender went away in the middle'),
    violations: counter('violations_total', 'MQTT connections closed for breaking the protocol or a limit'),
    slowSubscribers: counter('slow_subscribers_total', 'Subscribers dropped because they did not read'),
    announcementsDropped: counter('announcements_dropped_total', 'Live messages and receipts not sent because subscribers were too slow'),
    anchored: counter('batches_anchored_total', 'Batches accepted by the ledger'),
    anchorRetries: counter('anchor_retries_total', 'Requests the ledger did not accept'),
    connections: new Gauge({ name: 'airtight_ingest_connections', help: 'MQTT connections', registers }),
    commitSeconds: new Histogram({
      name: 'airtight_ingest_commit_seconds',
      help: 'Duration of a group commit',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
  };
}
