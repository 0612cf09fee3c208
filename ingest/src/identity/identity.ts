/** The parts of this service that know devices, put together. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { IngestConfig } from '../config.ts';
import type { ControlData } from '../control-data.ts';
import type { InternalDoor } from '../internal-door.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { ClaimRegistry } from './claim-registry.ts';
import { Claims } from './claims.ts';
import type { DeviceRegistry } from './device-registry.ts';
import { Enrolment } from './enrolment.ts';
import { LiveSessions } from './live-sessions.ts';
import { Logins } from './logins.ts';

export interface Identity {
  readonly registry: DeviceRegistry;
  readonly claimRegistry: ClaimRegistry;
  readonly logins: Logins;
  readonly sessions: LiveSessions;
  readonly enrolment: Enrolment;
  readonly claims: Claims;
}

export function createIdentity(
  { dataDir, deployment }: Pick<IngestConfig, 'dataDir' | 'deployment'>,
  { devices: registry, claims: claimRegistry }: ControlData,
  { door, metrics, logger }: { readonly door: InternalDoor; readonly metrics: IngestMetrics; readonly logger: Logger },
): Identity {
  const logins = new Logins({ registry, audience: deployment, metrics, logger });
  const enrolment = new Enrolment({ registry, door, keysDir: join(dataDir, 'keys') });
  const claims = new Claims(claimRegistry, registry, enrolment, logins);
  return { registry, claimRegistry, logins, sessions: new LiveSessions(registry), enrolment, claims };
}
