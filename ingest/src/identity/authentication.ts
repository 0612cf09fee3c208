/** Who a device is, by name and secret: the one check behind every door. */
import type { DeviceRecord } from '@airtight/protocol';
import type { DeviceRegistry } from './device-registry.ts';
import { verifySecret } from './secret-hash.ts';

/** Longest credentials that are looked at: a name has 64 characters, a secret at most 256. */
const BASIC_MAX_LENGTH = 2048;

/** @returns the device, or undefined when the name is unknown, the device is revoked or the secret is another */
export async function authenticate(
  registry: DeviceRegistry,
  username: string | undefined,
  secret: string | undefined,
): Promise<DeviceRecord | undefined> {
  const device = username === undefined ? undefined : registry.get(username);
  if (device === undefined || device.revoked || secret === undefined) return undefined;
  return (await verifySecret(secret, device.secretHash)) ? device : undefined;
}

export interface Credentials {
  readonly username: string;
  readonly secret: string;
}

/** Reads `Basic base64(name:secret)`, RFC 7617 §2; undefined when it is nothing of the kind. */
export function parseBasic(header: string | undefined): Credentials | undefined {
  if (header === undefined || header.length > BASIC_MAX_LENGTH) return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), secret: text.slice(colon + 1) };
}
