/** The services of a deployment on one machine, as processes with their settings. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveAuditConfig } from '../config.ts';
import type { DataDirectory } from '../data-directory.ts';
import { LOOPBACK, type Ports } from '../endpoints.ts';
import type { TlsFiles } from '../first-start/server-certificate.ts';
import { readConfigFile } from './ports.ts';
import type { ServiceSpec } from './service-process.ts';

export type Environment = { readonly [name: string]: string | undefined };

export interface Deployment {
  readonly data: DataDirectory;
  readonly ports: Ports;
  /** Path of the configuration file, if any. */
  readonly configFile: string | undefined;
  readonly simulate: boolean;
  /** Certificates of the TLS listener that `ports.mqttTls` asks for. */
  readonly tls: TlsFiles | undefined;
}

/** libuv's pool does fsync, scrypt and chDB's work: with the default of 4 one of them would wait for the others. */
const THREAD_POOL_SIZE = '16';

/** Path of a service's `main.ts`. */
export function serviceMain(name: 'ledger' | 'ingest' | 'api'): string {
  return fileURLToPath(new URL('./main.ts', import.meta.resolve(`@airtight/${name}`)));
}

/** In the order in which they stop being needed: the simulation feeds ingest, ingest writes to the ledger. */
export function serviceSpecs(deployment: Deployment, inherited: Environment): readonly ServiceSpec[] {
  const { data, simulate } = deployment;
  const env = serviceEnvironment(deployment, inherited);
  const service = (name: 'ledger' | 'ingest' | 'api'): ServiceSpec => ({
    name,
    entry: serviceMain(name),
    args: [],
    env,
    logFile: join(data.logs, `${name}.log`),
  });
  const services = [service('api'), service('ingest'), service('ledger')];
  const { intervalS } = resolveAuditConfig(readConfigFile(deployment.configFile)?.['audit'], env);
  const audit = intervalS === 0 ? [] : [commandSpec('audit', ['--watch', '--data', data.root], data, env)];
  return [...(simulate ? [simulationSpec(deployment, env)] : []), ...audit, ...services];
}

/** One environment for all: what is another service's concern is not read. What the person set stays. */
export function serviceEnvironment({ data, ports, configFile, simulate, tls }: Deployment, inherited: Environment): Environment {
  const ingest = `http://${LOOPBACK}:${ports.ingest}`;
  const ledger = `http://${LOOPBACK}:${ports.ledger}`;
  return {
    UV_THREADPOOL_SIZE: THREAD_POOL_SIZE,
    // Made-up data needs no sign-in to be looked at.
    ...(simulate ? { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' } : {}),
    ...(tls === undefined ? {} : tlsEnvironment(tls)),
    ...inherited,
    ...(configFile === undefined ? {} : { AIRTIGHT_CONFIG: configFile }),
    AIRTIGHT_DATA: data.root,
    AIRTIGHT_TOKEN_FILE: data.internalTokenFile,
    AIRTIGHT_LEDGER_URL: ledger,
    AIRTIGHT_LEDGER_PORT: String(ports.ledger),
    AIRTIGHT_INGEST_PORT: String(ports.ingest),
    AIRTIGHT_INGEST_MQTT_PORT: String(ports.mqtt),
    ...(ports.mqttTls === undefined ? {} : { AIRTIGHT_INGEST_MQTT_TLS_PORT: String(ports.mqttTls) }),
    AIRTIGHT_API_PORT: String(ports.http),
    AIRTIGHT_INGEST_URL: ingest,
  };
}

function tlsEnvironment({ certificate, key, ca }: TlsFiles): Environment {
  return {
    AIRTIGHT_INGEST_TLS_CERT_FILE: certificate,
    AIRTIGHT_INGEST_TLS_KEY_FILE: key,
    AIRTIGHT_INGEST_TLS_CLIENT_CA_FILE: ca,
  };
}

/** A command of ours beside the services. */
function commandSpec(name: string, args: readonly string[], data: DataDirectory, env: Environment): ServiceSpec {
  const entry = fileURLToPath(new URL('../main.ts', import.meta.url));
  return { name, entry, args: [name, ...args], env, logFile: join(data.logs, `${name}.log`) };
}

function simulationSpec({ data, ports }: Deployment, env: Environment): ServiceSpec {
  const ingest = `http://${LOOPBACK}:${ports.ingest}`;
  return commandSpec('simulate', ['--data', data.root, '--ingest', ingest, '--mqtt', `${LOOPBACK}:${ports.mqtt}`], data, env);
}
