/** Which ports a deployment listens on, and whether they are free. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parse } from 'yaml';
import { EnvironmentError, wholeNumber } from '../command.ts';
import { DEFAULT_PORTS, LOOPBACK, type Ports } from '../endpoints.ts';

/** Where the number of each port may stand besides the command line: environment before file. */
const SOURCES: { readonly [P in keyof Ports]: { readonly env: string; readonly section: string; readonly key: string } } = {
  http: { env: 'AIRTIGHT_API_PORT', section: 'api', key: 'port' },
  mqtt: { env: 'AIRTIGHT_INGEST_MQTT_PORT', section: 'ingest', key: 'mqttPort' },
  ingest: { env: 'AIRTIGHT_INGEST_PORT', section: 'ingest', key: 'port' },
  ledger: { env: 'AIRTIGHT_LEDGER_PORT', section: 'ledger', key: 'port' },
};

/** The ports by command line, environment, configuration file and defaults, the first that names one. */
export function resolvePorts(
  asked: { readonly [P in keyof Ports]?: string | undefined },
  env: { readonly [name: string]: string | undefined },
  file: ConfigFile | undefined,
): Ports {
  const port = (name: keyof Ports): number => {
    const { env: variable, section, key } = SOURCES[name];
    const text = asked[name] ?? env[variable] ?? file?.[section]?.[key] ?? DEFAULT_PORTS[name];
    return wholeNumber(name === 'http' ? 'port' : `${name}-port`, String(text), 1, 65_535);
  };
  return { http: port('http'), mqtt: port('mqtt'), ingest: port('ingest'), ledger: port('ledger') };
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
  const options: { readonly [P in keyof Ports]: string } = {
    http: '--port',
    mqtt: '--mqtt-port',
    ingest: '--ingest-port',
    ledger: '--ledger-port',
  };
  for (const name of Object.keys(options) as (keyof Ports)[]) {
    if (await isPortFree(ports[name])) continue;
    throw new EnvironmentError({
      zh: `端口 ${ports[name]} 已被占用。请用 ${options[name]} 另选一个，或先停止占用它的程序。`,
      en: `Port ${ports[name]} is taken. Choose another one with ${options[name]}, or stop the program that holds it.`,
    });
  }
}
