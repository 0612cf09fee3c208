/** Where the services of this machine answer: what a running `airtight up` wrote down, else the defaults. */
import { readFileSync } from 'node:fs';
import { type Options, UsageError, wholeNumber } from './command.ts';
import { type DataDirectory, readJsonFile } from './data-directory.ts';

export interface Ports {
  /** The product's one outside HTTP port. */
  readonly http: number;
  readonly mqtt: number;
  /** MQTT over TLS; absent unless `up --tls` was asked for. */
  readonly mqttTls?: number;
  readonly ingest: number;
  readonly ledger: number;
}

export const DEFAULT_PORTS: Ports = { http: 8080, mqtt: 1883, ingest: 7071, ledger: 7072 };
export const DEFAULT_MQTT_TLS_PORT = 8883;
export const LOOPBACK = '127.0.0.1';

/** What `airtight up` keeps in `running.json` while it runs. */
export interface Running {
  readonly pid: number;
  readonly startedAt: number;
  readonly ports: Ports;
}

/** The running `airtight up` of this data directory, if its process is alive. */
export function readRunning(data: DataDirectory): Running | undefined {
  const running = readJsonFile<Running>(data.runningFile);
  if (running === undefined || !Number.isSafeInteger(running.pid)) return undefined;
  return isRunning(running.pid, 'up') ? running : undefined;
}

export function portsOf(data: DataDirectory): Ports {
  return readRunning(data)?.ports ?? DEFAULT_PORTS;
}

export const INGEST_OPTION = {
  ingest: {
    type: 'string',
    value: 'URL',
    doc: { zh: 'ingest 的内部地址（默认取自正在运行的 up）', en: "ingest's internal address (default: that of the running up)" },
  },
} as const satisfies Options;

export const MQTT_OPTION = {
  mqtt: {
    type: 'string',
    value: 'HOST:PORT',
    doc: { zh: 'MQTT 地址（默认取自正在运行的 up）', en: 'MQTT address (default: that of the running up)' },
  },
} as const satisfies Options;

export function ingestUrl(data: DataDirectory, asked: string | undefined): string {
  return asked ?? `http://${LOOPBACK}:${portsOf(data).ingest}`;
}

export function mqttAddress(data: DataDirectory, asked: string | undefined): { host: string; port: number } {
  if (asked === undefined) return { host: LOOPBACK, port: portsOf(data).mqtt };
  const [, host, port] = /^(.+):(\d+)$/.exec(asked) ?? [];
  if (host === undefined || port === undefined) {
    throw new UsageError({ zh: '--mqtt 应形如 127.0.0.1:1883', en: '--mqtt takes an address such as 127.0.0.1:1883' });
  }
  return { host, port: wholeNumber('mqtt', port, 1, 65_535) };
}

/**
 * True when the process lives and is this command. After a kill -9 or a power cut the number may by now be another
 * program's. Where that cannot be told, it is taken for ours.
 */
export function isRunning(pid: number, command: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(command);
  } catch {
    return true;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, only not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
