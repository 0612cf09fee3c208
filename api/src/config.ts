/** Settings of the api service: environment wins over the `api` section of the file named by AIRTIGHT_CONFIG, which wins over defaults. */
import { existsSync, readFileSync } from 'node:fs';
import { AirtightError, type ConfigOf, resolveConfig, type Settings } from '@airtight/protocol';
import { parse } from 'yaml';

export const API_SETTINGS = {
  host: {
    type: 'string',
    env: 'AIRTIGHT_API_HOST',
    default: '127.0.0.1',
    doc: 'Address to listen on. Anything but loopback needs TLS in front.',
  },
  port: { type: 'integer', env: 'AIRTIGHT_API_PORT', default: 8080, min: 0, max: 65_535, doc: 'TCP port; 0 takes a free one.' },
  dataDir: {
    type: 'string',
    env: 'AIRTIGHT_DATA',
    default: './airtight-data',
    doc: 'Data directory of the deployment; this service owns its folders `store/` and `channels/`, and `keys/channels/`.',
  },
  ingestUrl: { type: 'string', env: 'AIRTIGHT_INGEST_URL', default: 'http://127.0.0.1:7071', doc: 'Where ingest answers.' },
  ledgerUrl: { type: 'string', env: 'AIRTIGHT_LEDGER_URL', default: 'http://127.0.0.1:7072', doc: 'Where the ledger answers.' },
  tokenFile: {
    type: 'string',
    env: 'AIRTIGHT_TOKEN_FILE',
    default: '',
    doc: 'File with the bearer token of our own services. Empty: `keys/internal.token` in the data directory.',
  },
  vkeyFile: {
    type: 'string',
    env: 'AIRTIGHT_API_VKEY_FILE',
    default: '',
    doc: "File with the ledger's verifier key, to be held against what the ledger answers. Empty: `keys/ledger.vkey` in the data directory, when it is there.",
  },
  witnessLogsFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_WITNESS_LOGS_FILE',
    default: '',
    doc: 'The logs that the ledger cosigns, as in its own setting of this name: evidence of forks is judged by their keys. Empty: `keys/witness-logs` in the data directory.',
  },
  clickhouseUrl: {
    type: 'string',
    env: 'AIRTIGHT_API_CLICKHOUSE_URL',
    default: '',
    doc: 'A ClickHouse server, e.g. http://user:password@host:8123. Empty: the embedded engine in `store/`.',
  },
  timeZone: {
    type: 'string',
    env: 'AIRTIGHT_API_TIME_ZONE',
    default: 'Asia/Shanghai',
    doc: 'IANA zone in which screens show times and calendar days begin.',
  },
  trustedProxies: {
    type: 'string',
    env: 'AIRTIGHT_API_TRUSTED_PROXIES',
    default: '',
    doc: 'IP addresses or networks of reverse proxies, separated by commas: from them `X-Forwarded-For` tells who asks, which limits count by. Empty: nobody is believed.',
  },
  publicUrl: {
    type: 'string',
    env: 'AIRTIGHT_API_PUBLIC_URL',
    default: '',
    doc: 'Address under which others reach this service, e.g. `https://air.example.cn`, for links in alerts that leave it. Empty: links are relative, and CAP messages name no proof unless this service listens on loopback.',
  },
  webhookNetworks: {
    type: 'string',
    env: 'AIRTIGHT_API_WEBHOOK_NETWORKS',
    default: '',
    doc: 'Networks that are not public and that webhooks may be sent to all the same, also without TLS: `10.1.0.0/16`, separated by commas. Empty: none.',
  },
  regionName: {
    type: 'string',
    env: 'AIRTIGHT_API_REGION_NAME',
    default: '',
    doc: 'Name of this region’s key among regions that send each other alerts: a schema-less URL, e.g. `alerts.example.gov/beijing`. The key is made in `keys/channels/region.key`. Empty: no alerts are exchanged.',
  },
  regionsFile: {
    type: 'string',
    env: 'AIRTIGHT_API_REGIONS_FILE',
    default: '',
    doc: 'The other regions with their keys, addresses and policies (`docs/reference/channels.md`); read anew when it changes. Empty: `keys/channels/regions.yaml` in the data directory.',
  },
  smtpHost: { type: 'string', env: 'AIRTIGHT_API_SMTP_HOST', default: '', doc: 'Mail server for channels. Empty: no mail is sent.' },
  smtpPort: { type: 'integer', env: 'AIRTIGHT_API_SMTP_PORT', default: 587, min: 1, max: 65_535, doc: 'Its TCP port.' },
  smtpSecurity: {
    type: 'choice',
    env: 'AIRTIGHT_API_SMTP_SECURITY',
    default: 'starttls',
    choices: ['starttls', 'tls', 'none'],
    doc: 'How the connection to it is protected; with `starttls` nothing is sent to a server that does not offer it.',
  },
  smtpCaFile: {
    type: 'string',
    env: 'AIRTIGHT_API_SMTP_CA_FILE',
    default: '',
    doc: 'PEM file with the certificates of the authorities that its certificate may come from. Empty: the usual ones of the Internet.',
  },
  smtpUser: { type: 'string', env: 'AIRTIGHT_API_SMTP_USER', default: '', doc: 'Account there. Empty: none.' },
  smtpPasswordFile: { type: 'string', env: 'AIRTIGHT_API_SMTP_PASSWORD_FILE', default: '', doc: 'File with its password.' },
  smtpFrom: { type: 'string', env: 'AIRTIGHT_API_SMTP_FROM', default: 'airtight@localhost', doc: 'Address from which mail comes.' },
  anonymousRole: {
    type: 'choice',
    env: 'AIRTIGHT_API_ANONYMOUS_ROLE',
    default: 'none',
    choices: ['none', 'viewer'],
    doc: 'What a visitor who has not signed in may do: nothing, or read as a viewer.',
  },
  requireSignedActs: {
    type: 'boolean',
    env: 'AIRTIGHT_API_REQUIRE_SIGNED_ACTS',
    default: false,
    doc: 'Contracts and quality flags are taken only with the signature of the person who proposes, approves, withdraws or places them.',
  },
  dashboardDir: {
    type: 'string',
    env: 'AIRTIGHT_API_DASHBOARD_DIR',
    default: '',
    doc: 'Built files of the dashboard. Empty: `dashboard/dist` of this repository.',
  },
  logLevel: {
    type: 'choice',
    env: 'AIRTIGHT_LOG_LEVEL',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    doc: 'Least severity that is logged.',
  },
} as const satisfies Settings;

export type ApiConfig = ConfigOf<typeof API_SETTINGS>;

/**
 * Reads settings from the environment and the file it names.
 * @throws AirtightError CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function loadApiConfig(env: { readonly [name: string]: string | undefined }): ApiConfig {
  const config = resolveConfig(API_SETTINGS, fileSection(env['AIRTIGHT_CONFIG']), env);
  try {
    new Intl.DateTimeFormat('en', { timeZone: config.timeZone });
  } catch (error) {
    throw new AirtightError('CONFIG_INVALID', `timeZone: ${config.timeZone}`, { cause: error });
  }
  return config;
}

function fileSection(path: string | undefined): unknown {
  if (path === undefined || path === '') return undefined;
  if (!existsSync(path)) throw new AirtightError('CONFIG_INVALID', `AIRTIGHT_CONFIG: no file ${path}`);
  const document: unknown = parse(readFileSync(path, 'utf8'));
  if (document === null || document === undefined) return undefined;
  if (typeof document !== 'object') throw new AirtightError('CONFIG_INVALID', `${path} is not a map of services`);
  return (document as { readonly [service: string]: unknown })['api'];
}
