/**
 * The HJ 212 door: pollutant monitors over TCP. A connection is nobody's; each frame names its monitor (MN) and shows its
 * password (PW), as an MQTT client does once. A frame is answered when its record is durable, in the order of frames.
 *
 * The password is looked at and not stored: records hold the data segment with that field cut out. The CRC is checked and
 * not stored either: with six unknown digits, sixteen bits about them would be too many (docs/decisions/0011).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { AirtightError, type DeviceRecord, HJ212_MEDIA_TYPE, isValidAt, type PasswordCredential } from '@airtight/protocol';
import type { Logger } from 'pino';
import { RecordRoute } from '../admit/record-route.ts';
import type { IngestConfig } from '../config.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { HJ212_NETWORK } from '../identity/enrolment.ts';
import type { Logins } from '../identity/logins.ts';
import { verifySecret } from '../identity/secret-hash.ts';
import type { Intake } from '../intake.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { DevicePaces } from './device-pace.ts';
import type { OnTaken } from './device-publisher.ts';
import { HJ212_TIMEOUTS, Hj212Connection, type Hj212Timeouts } from './hj212-connection.ts';

export interface Hj212DoorOptions {
  readonly intake: Intake;
  readonly registry: DeviceRegistry;
  readonly logins: Logins;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
  readonly connectionsMax: number;
  readonly onTaken: OnTaken;
  /** Shared with the other doors: a device has one rate. */
  readonly paces: DevicePaces;
  readonly timeouts?: Hj212Timeouts;
}

/** Opens the door as it is set; undefined while it is to be shut. */
export async function openHj212Door(
  { hj212Host, hj212Port, connectionsMax }: Pick<IngestConfig, 'hj212Host' | 'hj212Port' | 'connectionsMax'>,
  parts: Omit<Hj212DoorOptions, 'connectionsMax'>,
): Promise<{ readonly door: Hj212Door; readonly port: number } | undefined> {
  if (hj212Port < 0) return undefined;
  const door = new Hj212Door({ ...parts, connectionsMax });
  return { door, port: await door.listen(hj212Host, hj212Port) };
}

/** Who sends: the monitor, and where its records go. */
export interface Monitor {
  readonly device: DeviceRecord;
  readonly credential: PasswordCredential;
  readonly route: RecordRoute;
}

export class Hj212Door {
  readonly #options: Hj212DoorOptions;
  readonly #server: Server;
  readonly #connections = new Set<Hj212Connection>();

  constructor(options: Hj212DoorOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#onSocket(socket));
    this.#server.maxConnections = options.connectionsMax;
  }

  /** @returns the port */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close('the door closes');
    await closed;
  }

  #onSocket(socket: Socket): void {
    const { intake, metrics, logger, onTaken, paces, timeouts = HJ212_TIMEOUTS } = this.#options;
    const address = socket.remoteAddress ?? '';
    const connection = new Hj212Connection(socket, {
      ...{ intake, onTaken, paces, timeouts },
      identify: (mn, password) => this.#identify(mn, password, address),
      isCurrent: ({ device, credential }) => this.#options.registry.get(device.producer) === device && isValidAt(credential, Date.now()),
      onMalformed: () => metrics.hj212Malformed.inc(),
      onClosed: (reason) => {
        this.#connections.delete(connection);
        if (reason !== undefined) logger.info({ peer: address, reason }, 'HJ 212 connection closed');
      },
    });
    this.#connections.add(connection);
  }

  /** @returns undefined when the monitor is not enrolled, revoked, has another password, or too many were tried */
  async #identify(mn: string, password: string, address: string): Promise<Monitor | undefined> {
    const { logins, registry } = this.#options;
    try {
      return await logins.guarded(mn, address, async () => monitorOf(registry.byForeignId(`${HJ212_NETWORK}${mn}`), password));
    } catch (error) {
      if (error instanceof AirtightError) return undefined;
      throw error;
    }
  }
}

async function monitorOf(device: DeviceRecord | undefined, password: string): Promise<Monitor | undefined> {
  const dataset = device?.datasets[0];
  if (device === undefined || device.revoked || dataset === undefined) return undefined;
  const { agency, producer } = device;
  for (const credential of device.credentials) {
    if (credential.kind !== 'hj212-password' || !isValidAt(credential, Date.now())) continue;
    if (!(await verifySecret(password, credential.hash))) continue;
    const route = new RecordRoute({ agency, dataset, producer, door: 'hj212', contentType: HJ212_MEDIA_TYPE });
    return { device, credential, route };
  }
  return undefined;
}
