/**
 * The data directory: everything of one deployment under one folder.
 *
 *   journal/  ledger/  store/   each written by its service alone
 *   keys/                       secrets, 0700/0600
 *   logs/                       what the services say of themselves, bounded
 *   running.json                where the services of a running `airtight up` listen
 *   first-start.json            that the shipped definitions and the first account are on record
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EnvironmentError } from './command.ts';

export interface DataDirectory {
  readonly root: string;
  readonly journal: string;
  readonly ledger: string;
  readonly store: string;
  readonly keys: string;
  readonly logs: string;
  readonly internalTokenFile: string;
  readonly ledgerKeyFile: string;
  readonly ledgerVkeyFile: string;
  readonly witnessVkeyFile: string;
  readonly witnessLogsFile: string;
  readonly policyFile: string;
  readonly tsaRootsFile: string;
  /** Of the TLS listener of `airtight up --tls`. */
  readonly serverKeyFile: string;
  readonly serverCertificateFile: string;
  readonly regionCardFile: string;
  readonly simulatorFile: string;
  readonly replayFile: string;
  readonly runningFile: string;
  readonly firstStartFile: string;
}

const DIRECTORY_MODE = 0o700;
const SECRET_MODE = 0o600;
/** 256 bits: not to be guessed, so it needs no rate limit. */
const INTERNAL_TOKEN_BYTES = 32;

/** The places under a data directory; nothing is created or checked. */
export function dataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  const keys = join(root, 'keys');
  return {
    root,
    journal: join(root, 'journal'),
    ledger: join(root, 'ledger'),
    store: join(root, 'store'),
    keys,
    logs: join(root, 'logs'),
    internalTokenFile: join(keys, 'internal.token'),
    ledgerKeyFile: join(keys, 'ledger.key'),
    ledgerVkeyFile: join(keys, 'ledger.vkey'),
    witnessVkeyFile: join(keys, 'witness.vkey'),
    witnessLogsFile: join(keys, 'witness-logs'),
    policyFile: join(keys, 'policy'),
    tsaRootsFile: join(keys, 'tsa-roots.pem'),
    serverKeyFile: join(keys, 'server.key'),
    serverCertificateFile: join(keys, 'server.crt'),
    regionCardFile: join(keys, 'region'),
    simulatorFile: join(keys, 'simulator.json'),
    replayFile: join(keys, 'replay.json'),
    runningFile: join(root, 'running.json'),
    firstStartFile: join(root, 'first-start.json'),
  };
}

/** Creates what is missing of the folders and the internal token; what is there stays as it is. */
export function createDataDirectory(data: DataDirectory): void {
  mkdirSync(data.root, { recursive: true, mode: DIRECTORY_MODE });
  for (const folder of [data.keys, data.logs]) mkdirSync(folder, { recursive: true, mode: DIRECTORY_MODE });
  chmodSync(data.keys, DIRECTORY_MODE);
  if (!existsSync(data.internalTokenFile)) {
    writeSecret(data.internalTokenFile, `${randomBytes(INTERNAL_TOKEN_BYTES).toString('base64url')}\n`);
  }
}

/** Writes a file only its owner reads, whole or not at all. */
export function writeSecret(file: string, content: string | Uint8Array): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, content, { mode: SECRET_MODE, flag: 'wx', flush: true });
  renameSync(draft, file);
}

/**
 * The token our own processes show each other.
 * @throws EnvironmentError when there is none
 */
export function readInternalToken(data: DataDirectory): string {
  try {
    return readFileSync(data.internalTokenFile, 'utf8').trim();
  } catch {
    throw new EnvironmentError({
      zh: `读不到 ${data.internalTokenFile}。请先运行 airtight up，或用 --data 指定数据目录。`,
      en: `${data.internalTokenFile} cannot be read. Run "airtight up" first, or name the data directory with --data.`,
    });
  }
}

/** A JSON file of ours, or undefined when it is not there or not whole. */
export function readJsonFile<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
