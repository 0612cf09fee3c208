/** Which ports a deployment listens on, and whether they are free. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parse } from 'yaml';
import { EnvironmentError, wholeNumber } from '../command.ts';
import { DEFAULT_MQTT_TLS_PORT, DEFAULT_PORTS, LOOPBACK, type Ports } from '../endpoints.ts';

type PortName = keyof Ports;

interface PortSource {
  readonly option: string;
  readonly env: string;
  readonly section: string;
  readonly key: string;
}

/** Where the number of each port may stand: command line before environment before file. */
const SOURCES: { readonly [P in PortName]-?: PortSource } = {
  http: { option: 'port', env: 'AIRTIGHT_API_PORT', section: 'api', key: 'port' },
  mqtt: { option: 'mqtt-port', env: 'AIRTIGHT_INGEST_MQTT_PORT', section: 'ingest', key: 'mqttPort' },
  mqttTls: { option: 'mqtt-tls-port', env: 'AIRTIGHT_INGEST_MQTT_TLS_PORT', section: 'ingest', key: 'mqttTlsPort' },
  ingest: { option: 'ingest-port', env: 'AIRTIGHT_INGEST_PORT', section: 'ingest', key: 'port' },
  ledger: { option: 'ledger-port', env: 'AIRTIGHT_LEDGER_PORT', section: 'ledger', key: 'port' },
};

/**
 * The ports by command line, environment, configuration file and defaults, the first that names one.
 * @param tls one for MQTT over TLS too
 */
export function resolvePorts(
  asked: { readonly [P in PortName]?: string | undefined },
  env: { readonly [name: string]: string | undefined },
  file: ConfigFile | undefined,
  tls = false,
): Ports {
  const port = (name: PortName, otherwise: number): number => {
    const { option, env: variable, section, key } = SOURCES[name];
    return wholeNumber(option, String(asked[name] ?? env[variable] ?? file?.[section]?.[key] ?? otherwise), 1, 65_535);
  };
  const { http, mqtt, ingest, ledger } = DEFAULT_PORTS;
  return {
    ...{ http: port('http', http), mqtt: port('mqtt', mqtt), ingest: port('ingest', ingest), ledger: port('ledger', ledger) },
    ...(tls ? { mqttTls: port('mqttTls', DEFAULT_MQTT_TLS_PORT) } : {}),
  };
}

export interface ConfigFile {
  readonly [service: string]: { readonly [key: string]: unknown } | undefined;
}

/** @throws EnvironmentError when the file cannot be read as YAML */
export function readConfigFile(path: string | undefined): ConfigFile | undefined {
  if (path === undefined) return undefined;
  try {
    return parse(readFileSync(path, 'utf8')) as ConfigFile;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError({ zh: `读不了配置文件 ${path}：${reason}`, en: `The configuration file ${path} cannot be read: ${reason}` });
  }
}

/** True when nobody listens on the port of this machine's loopback interface. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK }, () => server.close(() => resolve(true)));
  });
}

/** @throws EnvironmentError naming the first port that is taken and the option that changes it */
export async function assertPortsFree(ports: Ports): Promise<void> {
  for (const [name, port] of Object.entries(ports) as [PortName, number][]) {
    if (await isPortFree(port)) continue;
    const { option } = SOURCES[name];
    throw new EnvironmentError({
      zh: `端口 ${port} 已被占用。请用 --${option} 另选一个，或先停止占用它的程序。`,
      en: `Port ${port} is taken. Choose another one with --${option}, or stop the program that holds it.`,
    });
  }
}
