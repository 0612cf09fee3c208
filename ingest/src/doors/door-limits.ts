/** The limits of the doors for devices that a deployment can set (config.ts), and what they are when it does not. */
import type { ConnectionLimitSettings } from './connection-limits.ts';
import type { PaceLimits } from './device-pace.ts';

export interface DoorLimits extends ConnectionLimitSettings, PaceLimits {
  /** A CONNECT must come within this time of the connection. */
  readonly connectTimeoutMs: number;
}

export const DEFAULT_DOOR_LIMITS: DoorLimits = {
  connectionsPerAddressMax: 5000,
  connectionsPerDeviceMax: 16,
  connectRateMax: 2000,
  unauthenticatedMax: 2500,
  connectTimeoutMs: 10_000,
  deviceRateMax: 20_000,
  deviceBytesPerSecondMax: 32 * 1024 * 1024,
};
