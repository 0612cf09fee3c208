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
  readonly endedSessions: Counter;
  readonly refusedUploads: Counter<'code'>;
  readonly brokenUploads: Counter;
  readonly violations: Counter;
  readonly refusedHandshakes: Counter;
  readonly refusedConnections: Counter<'limit'>;
  readonly throttled: Counter<'limit'>;
  readonly slowSubscribers: Counter;
  readonly announcementsDropped: Counter;
  readonly sparkplugGaps: Counter;
  readonly sparkplugRebirths: Counter;
  readonly hj212Malformed: Counter;
  readonly brokerConnected: Gauge;
  readonly brokerReceived: Counter;
  readonly brokerAcknowledged: Counter;
  readonly anchored: Counter;
  readonly anchorRetries: Counter;
  readonly connections: Gauge;
  readonly storageFault: Gauge;
  readonly storageFaults: Counter<'code'>;
  readonly compressedBytes: Counter<'form'>;
  readonly compressionFailures: Counter;
  readonly payloadsRemoved: Counter;
  readonly retentionFailures: Counter;
  readonly gapRecords: Counter;
  readonly gapsUnrecorded: Counter;
  readonly commitSeconds: Histogram;
  readonly eventLoopDelaySeconds: Histogram;
}

export function createMetrics(): IngestMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name: `airtight_ingest_${name}`, help, registers });
  const labelled = <Label extends string>(name: string, help: string, label: Label): Counter<Label> =>
    new Counter({ name: `airtight_ingest_${name}`, help, labelNames: [label], registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `airtight_ingest_${name}`, help, registers });
  return {
    registry,
    accepted: counter('records_total', 'Records stored'),
    revisions: counter('revisions_total', 'Records whose identity was known with other content'),
    repeats: counter('repeats_total', 'Messages that were stored already'),
    quarantined: labelled('quarantined_total', 'Messages kept in quarantine', 'code'),
    released: counter('released_total', 'Messages released from quarantine'),
    refusedLogins: labelled(
      'refused_logins_total',
      'MQTT connections and HTTP requests refused for their credentials or client id',
      'code',
    ),
    endedSessions: counter('ended_sessions_total', 'Connections and uploads cut because their credentials were revoked or expired'),
    refusedUploads: labelled('refused_uploads_total', 'HTTP publishes answered with a problem other than wrong credentials', 'code'),
    brokenUploads: counter('broken_uploads_total', 'HTTP publishes whose sender went away in the middle'),
    violations: counter('violations_total', 'MQTT connections closed for breaking the protocol or a limit'),
    refusedHandshakes: counter(
      'refused_handshakes_total',
      'Connections that ended in the TLS or WebSocket handshake, or showed a certificate nobody vouches for',
    ),
    refusedConnections: labelled('refused_connections_total', 'MQTT connections closed for a limit on connections', 'limit'),
    throttled: labelled(
      'throttled_total',
      'Times that a device was not read for a while because it sent faster than its rate (rate) or its share of a commit (share)',
      'limit',
    ),
    slowSubscribers: counter('slow_subscribers_total', 'Subscribers dropped because they did not read'),
    announcementsDropped: counter('announcements_dropped_total', 'Live messages and receipts not sent because subscribers were too slow'),
    sparkplugGaps: counter('sparkplug_gaps_total', 'Messages of Sparkplug edge nodes before which another one was lost'),
    sparkplugRebirths: counter('sparkplug_rebirths_total', 'Rebirths asked of Sparkplug edge nodes'),
    hj212Malformed: counter('hj212_malformed_total', 'HJ 212 frames that were damaged or none'),
    brokerConnected: gauge('broker_connected', '1 while messages are taken from the external broker, 0 while it is away or none is set'),
    brokerReceived: counter('broker_received_total', 'Messages taken from the external broker'),
    brokerAcknowledged: counter('broker_acknowledged_total', 'Acknowledgements sent to the external broker, after the commit'),
    anchored: counter('batches_anchored_total', 'Batches accepted by the ledger'),
    anchorRetries: counter('anchor_retries_total', 'Requests the ledger did not accept'),
    connections: gauge('connections', 'MQTT connections'),
    storageFault: gauge('storage_fault', '1 while nothing can be stored and nothing is taken'),
    storageFaults: labelled('storage_faults_total', 'Times that nothing could be stored and that are over', 'code'),
    compressedBytes: labelled(
      'compressed_bytes_total',
      'Bytes of sealed segments, before (segment) and after (compressed) compression',
      'form',
    ),
    compressionFailures: counter('compression_failures_total', 'Sealed segments that could not be compressed and were left as they are'),
    payloadsRemoved: counter('payloads_removed_total', 'Payloads removed by the retention policies of datasets'),
    retentionFailures: counter('retention_failures_total', 'Times that payloads could not be removed and were left as they are'),
    gapRecords: counter('gap_records_total', 'Records that numbers of a device are missing, or have come late'),
    gapsUnrecorded: counter(
      'gaps_unrecorded_total',
      'Gaps in the numbers of devices that were not put on record because there were too many (GAPS_UNRECORDED)',
    ),
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
