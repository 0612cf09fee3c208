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
    doc: 'Address the MQTT broker listens on, for all of its ports. The default is reachable from this machine only.',
  },
  mqttPort: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_MQTT_PORT',
    default: 1883,
    min: -1,
    max: 65535,
    doc: 'TCP port of the MQTT broker; 0 picks a free one, -1: no MQTT without TLS.',
  },
  mqttTlsPort: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_MQTT_TLS_PORT',
    default: -1,
    min: -1,
    max: 65535,
    doc: 'Port for MQTT over TLS, by custom 8883; needs a certificate. 0 picks a free one, -1: none.',
  },
  mqttWsPort: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_MQTT_WS_PORT',
    default: -1,
    min: -1,
    max: 65535,
    doc: 'Port for MQTT over WebSocket, path /mqtt. 0 picks a free one, -1: none.',
  },
  mqttWssPort: {
    type: 'integer',
    env: 'AIRTIGHT_INGEST_MQTT_WSS_PORT',
    default: -1,
    min: -1,
    max: 65535,
    doc: 'Port for MQTT over WebSocket over TLS, path /mqtt; needs a certificate. 0 picks a free one, -1: none.',
  },
  tlsCertFile: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_TLS_CERT_FILE',
    default: '',
    doc: 'Certificate chain for TLS, PEM. Read again within seconds of a change, and on SIGHUP.',
  },
  tlsKeyFile: { type: 'string', env: 'AIRTIGHT_INGEST_TLS_KEY_FILE', default: '', doc: 'Private key of that certificate, PEM.' },
  tlsClientCaFile: {
    type: 'string',
    env: 'AIRTIGHT_INGEST_TLS_CLIENT_CA_FILE',
    default: '',
    doc: 'CA certificates whose client certificates are taken, PEM; empty: clients are asked for none.',
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
  logLevel: {
    type: 'choice',
    env: 'AIRTIGHT_LOG_LEVEL',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    doc: 'Least level that is logged.',
  },
} as const satisfies Settings;

export type IngestConfig = ConfigOf<typeof INGEST_SETTINGS>;
