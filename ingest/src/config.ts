/** Settings of the ingest service. */
import type { ConfigOf, Settings } from '@airtight/protocol';

export const INGEST_SETTINGS = {
  dataDir: {
    type: 'string',
    env: 'AIRTIGHT_DATA',
    default: './airtight-data',
    doc: 'Data directory; the journal lies in its folder journal/.',
  },
  stream: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_STREAM',
    default: 'local/1',
    doc: 'Name of this journal in its batch records, {region}/{node}. Two nodes that share a ledger need two names.',
  },
  mqttHost: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_MQTT_HOST',
    default: '127.0.0.1',
    doc: 'Address the MQTT broker listens on. The default is reachable from this machine only.',
  },
  mqttPort: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_MQTT_PORT',
    default: 1883,
    min: 0,
    max: 65535,
    doc: 'TCP port of the MQTT broker; 0 picks a free one.',
  },
  host: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_HOST',
    default: '127.0.0.1',
    doc: 'Address of the internal HTTP interface. Never expose it.',
  },
  port: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_PORT',
    default: 7071,
    min: 0,
    max: 65535,
    doc: 'TCP port of the internal HTTP interface; 0 picks a free one.',
  },
  ledgerUrl: { type: 'string', env: 'AIRTIGHT_LEDGER_URL', default: 'http://127.0.0.1:7072', doc: 'Where the ledger service answers.' },
  tokenFile: {
    type: 'string',
    env: 'AIRTIGHT_TOKEN_FILE',
    default: './airtight-data/keys/internal.token',
    doc: 'File with the token that our own services show each other.',
  },
  connectionsMax: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_CONNECTIONS_MAX',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'MQTT connections at a time; more are closed at once. An idle one costs some 30 kB.',
  },
  sparkplugHostId: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_SPARKPLUG_HOST_ID',
    default: 'airtight',
    doc: 'Name of this host on spBv1.0/STATE/{host id}, for Sparkplug edge nodes that wait for theirs; empty: it is not published.',
  },
  hj212Host: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_HJ212_HOST',
    default: '127.0.0.1',
    doc: 'Address the HJ 212 door listens on. Its passwords travel unencrypted: expose it to a trusted network only.',
  },
  hj212Port: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_HJ212_PORT',
    default: -1,
    min: -1,
    max: 65535,
    doc: 'TCP port for HJ 212 monitors; 0 picks a free one, -1 keeps the door shut.',
  },
  logLevel: {
    type: 'choice',
    env: 'AIRTIGHT_LOG_LEVEL',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    doc: 'Least level that is logged.',
  },
} as const satisfies Settings;

export type IngestConfig = ConfigOf<typeof INGEST_SETTINGS>;
