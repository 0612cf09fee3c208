/** Opens what the settings ask for: listeners of our own broker, and the connection to an external one. */
import { readFileSync } from 'node:fs';
import { AirtightError } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { IngestConfig } from '../config.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import type { Intake } from '../intake.ts';
import { LogLimit } from '../log-limit.ts';
import type { IngestMetrics } from '../metrics.ts';
import { BrokerDoor, type BrokerSettings } from './broker-door.ts';
import type { DevicePaces } from './device-pace.ts';
import type { MqttBroker } from './mqtt-broker.ts';
import { MqttListeners, type MqttPorts } from './mqtt-listeners.ts';
import { TlsMaterial } from './tls-material.ts';

const BROKER_URL = /^(mqtts?|wss?):\/\/[^/]/;
/** [MQTT-4.8.2-2] */
const SHARE_NAME = /^[^/+#]+$/;

export interface MqttDoorParts {
  readonly broker: MqttBroker;
  readonly intake: Intake;
  readonly registry: DeviceRegistry;
  readonly paces: DevicePaces;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
}

export interface MqttDoors {
  readonly ports: MqttPorts;
  /** Reads the TLS certificate again. */
  reloadCertificate(): void;
  /** Lets nobody in any more; clients of our own broker are the broker's to close. */
  close(): Promise<void>;
}

/** @throws AirtightError CONFIG_INVALID for a certificate that is missing or wrong, a broker URL or group that is none */
export async function openMqttDoors(config: IngestConfig, parts: MqttDoorParts): Promise<MqttDoors> {
  const { broker, intake, registry, paces, metrics, logger } = parts;
  const settings = brokerSettingsOf(config);
  const tls = tlsMaterialOf(config, logger);
  const listeners = await openListeners(config, tls, parts);
  const external =
    settings && new BrokerDoor({ settings, intake, registry, paces, metrics, logger, onTaken: (...taken) => broker.onTaken(...taken) });
  return {
    ports: listeners.ports,
    reloadCertificate: () => tls?.reload(),
    async close() {
      tls?.close();
      listeners.close();
      await external?.close();
    },
  };
}

function tlsMaterialOf(config: IngestConfig, logger: Logger): TlsMaterial | undefined {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsClientCaFile: clientCaFile } = config;
  if (config.mqttTlsPort < 0 && config.mqttWssPort < 0) return undefined;
  if (certFile === '' || keyFile === '') throw new AirtightError('CONFIG_INVALID', 'a TLS port needs tlsCertFile and tlsKeyFile');
  return new TlsMaterial({ certFile, keyFile, clientCaFile }, logger);
}

function brokerSettingsOf(config: IngestConfig): BrokerSettings | undefined {
  const { brokerUrl: url, brokerUsername, brokerPasswordFile, brokerCaFile, brokerGroup: group, brokerTopics, stream } = config;
  if (url === '') return undefined;
  if (!BROKER_URL.test(url)) throw new AirtightError('CONFIG_INVALID', `brokerUrl: mqtt://, mqtts://, ws:// or wss://, got ${url}`);
  if (!SHARE_NAME.test(group)) throw new AirtightError('CONFIG_INVALID', `brokerGroup: no /, + or #, got ${group}`);
  const read = (path: string): Buffer | undefined => (path === '' ? undefined : readFileSync(path));
  return {
    url,
    // The same at every start: it is the name of this node's session.
    clientId: `airtight-${stream.replaceAll('/', '-')}`,
    username: brokerUsername === '' ? undefined : brokerUsername,
    password: read(brokerPasswordFile)?.toString('utf8').trim(),
    ca: read(brokerCaFile),
    group,
    topics: brokerTopics.split(',').map((topic) => topic.trim()),
  };
}

function openListeners(
  { mqttHost: host, mqttPort: tcp, mqttTlsPort, mqttWsPort: ws, mqttWssPort: wss, connectionsMax, connectTimeoutMs }: IngestConfig,
  tls: TlsMaterial | undefined,
  { broker, metrics, logger }: MqttDoorParts,
): ReturnType<typeof MqttListeners.open> {
  const log = new LogLimit(logger);
  return MqttListeners.open({
    ...{ host, ports: { tcp, tls: mqttTlsPort, ws, wss }, tls, connectionsMax, handshakeTimeoutMs: connectTimeoutMs },
    onDropped: (remoteAddress) => broker.dropped(remoteAddress),
    accept: (stream, peer) => broker.accept(stream, peer),
    onRefused: (reason, remoteAddress) => {
      metrics.refusedHandshakes.inc();
      log.log('info', { peer: remoteAddress, reason }, 'MQTT connection refused before CONNECT');
    },
  });
}
