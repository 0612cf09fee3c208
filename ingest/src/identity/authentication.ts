/** Who a device is, by password, token or certificate: the one check behind every door. */
import { type Credential, type DeviceRecord, isValidAt } from '@airtight/protocol';
import type { DeviceRegistry } from './device-registry.ts';
import { claimedSubject, isToken, verifyToken } from './device-token.ts';
import type { PeerIdentity } from './peer-identity.ts';
import { verifySecret } from './secret-hash.ts';

/** Longest credentials that are looked at: a name has 64 characters, a token at most 2048. */
const AUTHORIZATION_MAX_LENGTH = 4096;

/** What someone shows who says that he is a device. */
export interface DeviceLogin {
  /** Producer name; may be absent with a token or a certificate, which name it too. */
  readonly username?: string | undefined;
  /** Password, or a token in its place. */
  readonly secret?: string | undefined;
  /** Certificate of the TLS connection; counts when there is no secret. */
  readonly peer?: PeerIdentity | undefined;
}

export interface AuthenticatedDevice {
  readonly device: DeviceRecord;
  /** With which it was let in: when that ends, so does what began with it. */
  readonly credentialId: string;
  /** Epoch ms at which the token or the credential ends; Infinity when none is set. */
  readonly until: number;
}

export interface AuthenticationOptions {
  /** Name of this deployment, which a token's `aud` must be. */
  readonly audience: string;
}

/** @returns the device; undefined when it is not known or revoked, or nothing that it shows counts at `now` (epoch ms) */
export async function authenticateDevice(
  registry: DeviceRegistry,
  login: DeviceLogin,
  now: number,
  { audience }: AuthenticationOptions,
): Promise<AuthenticatedDevice | undefined> {
  const device = deviceOf(registry, login);
  if (device === undefined || device.revoked) return undefined;
  const { secret, peer } = login;
  if (secret === undefined || secret === '') return peer === undefined ? undefined : byCertificate(registry, device, peer, now);
  const valid = device.credentials.filter((credential) => isValidAt(credential, now));
  if (isToken(secret)) {
    for (const credential of valid) {
      if (credential.kind !== 'jwt-ed25519') continue;
      const until = await verifyToken(secret, credential, { producer: device.producer, audience }, now);
      if (until !== undefined) return { device, credentialId: credential.id, until: Math.min(until, credential.validTo ?? Infinity) };
    }
  }
  for (const credential of valid) {
    if (credential.kind === 'password' && (await verifySecret(secret, credential.hash))) return authenticated(device, credential);
  }
  return undefined;
}

/** Whom a login claims to be of: what failed logins are counted under. */
export function claimedName({ username, secret, peer }: DeviceLogin): string {
  return username ?? (secret === undefined ? undefined : claimedSubject(secret)) ?? peer?.commonName ?? '';
}

function deviceOf(registry: DeviceRegistry, { username, secret, peer }: DeviceLogin): DeviceRecord | undefined {
  if (username !== undefined && username !== '') return registry.get(username);
  if (secret !== undefined && secret !== '') return registry.get(claimedSubject(secret) ?? '');
  return peer === undefined ? undefined : registry.byPeer(peer);
}

/**
 * A certificate that is on record counts by its fingerprint alone, so that one that was revoked or belongs to another
 * device is not let in by its name; the name counts for certificates that the agency's CA issues without telling us.
 */
function byCertificate(registry: DeviceRegistry, device: DeviceRecord, peer: PeerIdentity, now: number): AuthenticatedDevice | undefined {
  const isKnown = registry.knowsCertificate(peer.fingerprint);
  const found = device.credentials.find((credential) => {
    if (credential.kind !== 'certificate' || !isValidAt(credential, now)) return false;
    if (credential.fingerprint256 !== undefined) return credential.fingerprint256 === peer.fingerprint;
    return !isKnown && peer.commonName !== '' && credential.commonName === peer.commonName;
  });
  return found === undefined ? undefined : authenticated(device, found);
}

function authenticated(device: DeviceRecord, { id, validTo = Infinity }: Credential): AuthenticatedDevice {
  return { device, credentialId: id, until: validTo };
}

/** Reads `Basic base64(name:secret)` (RFC 7617 §2) or `Bearer token` (RFC 6750 §2.1); undefined when it is nothing of the kind. */
export function parseAuthorization(header: string | undefined): DeviceLogin | undefined {
  if (header === undefined || header.length > AUTHORIZATION_MAX_LENGTH) return undefined;
  const token = /^Bearer +([A-Za-z0-9_.-]+) *$/i.exec(header)?.[1];
  if (token !== undefined) return isToken(token) ? { secret: token } : undefined;
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), secret: text.slice(colon + 1) };
}
