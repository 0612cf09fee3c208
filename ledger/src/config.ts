/** Settings of the ledger service: environment wins over the YAML file, which wins over defaults. */
import { join } from 'node:path';
import { LedgerError } from './ledger-error.ts';

interface TextSetting {
  readonly type: 'string';
  readonly env: string;
  readonly default: string;
  readonly doc: string;
}
interface IntegerSetting {
  readonly type: 'integer';
  readonly env: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

/** Name of a log nobody named. Unique enough for one machine; a public log needs a name of its own. */
export const DEFAULT_ORIGIN = 'airtight.local/ledger';

export const LEDGER_SETTINGS = {
  dataDir: {
    type: 'string',
    env: 'AIRTIGHT_DATA',
    default: './airtight-data',
    doc: 'Data directory; the log lies in its folder ledger/.',
  },
  origin: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ORIGIN',
    default: DEFAULT_ORIGIN,
    doc: 'Name of the log in its checkpoints: a schema-less URL, unique in the world. It is the name of the key and cannot change.',
  },
  keyFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_KEY_FILE',
    default: '',
    doc: 'File of the signing key, mode 0600. Empty: keys/ledger.key in the data directory.',
  },
  nextKeyFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_NEXT_KEY_FILE',
    default: '',
    doc: 'File of the signing key that is to replace the present one. While it is set, every checkpoint carries both signatures. Empty: none.',
  },
  witnessName: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_WITNESS_NAME',
    default: '',
    doc: 'Name under which this ledger cosigns the checkpoints of other logs: a schema-less URL, unique in the world. Empty: it is no witness.',
  },
  witnessKeyFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_WITNESS_KEY_FILE',
    default: '',
    doc: 'File of the key that cosigns, mode 0600. Empty: keys/witness.key in the data directory.',
  },
  witnessLogsFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_WITNESS_LOGS_FILE',
    default: '',
    doc: 'The logs that are cosigned: the log lines of a tlog-policy file. Empty: keys/witness-logs in the data directory.',
  },
  peerCheckpointIntervalMs: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_PEER_CHECKPOINT_INTERVAL_MS',
    default: 3_600_000,
    min: 100,
    max: 86_400_000,
    doc: 'How often the checkpoints that were cosigned for other logs are entered in the own log.',
  },
  policyFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_POLICY_FILE',
    default: '',
    doc: 'tlog-policy file: the witnesses that are asked, by their URLs, to cosign the own checkpoints, and how many make one final. Empty: none is asked.',
  },
  cosigningIntervalMs: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_COSIGNING_INTERVAL_MS',
    default: 1000,
    min: 10,
    max: 60_000,
    doc: 'At most one checkpoint in this time is brought to the witnesses.',
  },
  anchorTsaUrl: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ANCHOR_TSA_URL',
    default: '',
    doc: 'Address of a time-stamping authority (RFC 3161, http or https) that stamps checkpoints. Empty: none.',
  },
  anchorTsaRootsFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ANCHOR_TSA_ROOTS_FILE',
    default: '',
    doc: 'Root certificates of time-stamping authorities that are trusted, PEM. Empty: keys/tsa-roots.pem in the data directory.',
  },
  anchorTsaIntervalMs: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_ANCHOR_TSA_INTERVAL_MS',
    default: 3_600_000,
    min: 100,
    max: 604_800_000,
    doc: 'At most one checkpoint in this time is stamped.',
  },
  anchorFile: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ANCHOR_FILE',
    default: '',
    doc: 'File to which a line is appended for each anchored checkpoint, best on a medium of someone else. Empty: none.',
  },
  anchorFileIntervalMs: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_ANCHOR_FILE_INTERVAL_MS',
    default: 600_000,
    min: 100,
    max: 604_800_000,
    doc: 'At most one line in this time.',
  },
  anchorGitDir: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ANCHOR_GIT_DIR',
    default: '',
    doc: 'Work tree of a git repository in which each anchored checkpoint becomes a commit. Empty: none.',
  },
  anchorGitRemote: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_ANCHOR_GIT_REMOTE',
    default: '',
    doc: 'Remote of that repository to which commits are pushed; never by force. Empty: they are not pushed.',
  },
  anchorGitIntervalMs: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_ANCHOR_GIT_INTERVAL_MS',
    default: 86_400_000,
    min: 100,
    max: 604_800_000,
    doc: 'At most one commit in this time.',
  },
  tokenFile: {
    type: 'string',
    env: 'AIRTIGHT_TOKEN_FILE',
    default: '',
    doc: 'File with the token that our own services show each other. Empty: keys/internal.token in the data directory.',
  },
  host: {
    type: 'string',
    env: 'AIRTIGHT_LEDGER_HOST',
    default: '127.0.0.1',
    doc: 'Address of the HTTP interface. The default is reachable from this machine only.',
  },
  port: {
    type: 'integer',
    env: 'AIRTIGHT_LEDGER_PORT',
    default: 7072,
    min: 0,
    max: 65_535,
    doc: 'TCP port of the HTTP interface; 0 picks a free one.',
  },
  logLevel: {
    type: 'string',
    env: 'AIRTIGHT_LOG_LEVEL',
    default: 'info',
    doc: 'Least level that is logged: debug, info, warn or error.',
  },
} as const satisfies { readonly [key: string]: TextSetting | IntegerSetting };

type SettingKey = keyof typeof LEDGER_SETTINGS;
export type LedgerConfig = { readonly [K in SettingKey]: (typeof LEDGER_SETTINGS)[K]['type'] extends 'integer' ? number : string };

const LOG_LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

/**
 * @param file section `ledger` of the YAML file (parsed), or undefined
 * @param env e.g. process.env
 * @throws LedgerError CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function resolveLedgerConfig(file: unknown, env: { readonly [name: string]: string | undefined }): LedgerConfig {
  const section = file ?? {};
  if (typeof section !== 'object' || Array.isArray(section)) throw new LedgerError('CONFIG_INVALID', 'section ledger is a map of settings');
  const unknown = Object.keys(section).find((key) => !Object.hasOwn(LEDGER_SETTINGS, key));
  if (unknown !== undefined) throw new LedgerError('CONFIG_UNKNOWN_KEY', unknown);
  const given = section as { readonly [key: string]: unknown };
  const entries = Object.entries<TextSetting | IntegerSetting>(LEDGER_SETTINGS).map(([key, setting]) => [
    key,
    toValue(key, setting, env[setting.env] ?? given[key] ?? setting.default),
  ]);
  const config = Object.fromEntries(entries) as LedgerConfig;
  if (!LOG_LEVELS.includes(config.logLevel)) throw new LedgerError('CONFIG_INVALID', `logLevel: one of ${LOG_LEVELS.join(', ')}`);
  return Object.freeze({
    ...config,
    keyFile: config.keyFile || join(config.dataDir, 'keys', 'ledger.key'),
    witnessKeyFile: config.witnessKeyFile || join(config.dataDir, 'keys', 'witness.key'),
    witnessLogsFile: config.witnessLogsFile || join(config.dataDir, 'keys', 'witness-logs'),
    anchorTsaRootsFile: config.anchorTsaRootsFile || join(config.dataDir, 'keys', 'tsa-roots.pem'),
    tokenFile: config.tokenFile || join(config.dataDir, 'keys', 'internal.token'),
  });
}

function toValue(key: string, setting: TextSetting | IntegerSetting, raw: unknown): string | number {
  if (setting.type === 'string') {
    if (typeof raw === 'string') return raw;
    throw new LedgerError('CONFIG_INVALID', `${key}: a text, got ${JSON.stringify(raw)}`);
  }
  const value = typeof raw === 'string' && /^\d{1,9}$/.test(raw) ? Number(raw) : raw;
  if (Number.isSafeInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max) return value as number;
  throw new LedgerError('CONFIG_INVALID', `${key}: a whole number from ${setting.min} to ${setting.max}, got ${JSON.stringify(raw)}`);
}
