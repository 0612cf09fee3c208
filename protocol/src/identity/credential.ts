/**
 * What a device proves itself with. A device has a list of credentials, past ones included: each says from when until
 * when it counts, and since every change is a record in `sys.devices`, which key was valid when can be shown for ever.
 */
import type { DeviceRecord } from '../control.ts';

export type CredentialKind = 'password' | 'hj212-password' | 'certificate' | 'jwt-ed25519' | 'signing-ed25519';

/** PW of an HJ 212 monitor: six digits by the standard; some are set to more. Neither `;` nor `=`, which end a field. */
export const HJ212_PASSWORD_PATTERN = '^[!-:<>-~]{6,64}$';

interface Validity {
  /** Unique within the device. Of a key: the first 16 hex digits of SHA-256 over its 32 bytes, so that a device knows it too. */
  readonly id: string;
  /** Epoch ms: it counts from then on … */
  readonly validFrom: number;
  /** … until then, which is not included; absent: without end. */
  readonly validTo?: number;
}

export interface PasswordCredential extends Validity {
  /** What an HJ 212 monitor shows opens that door alone: it has six digits. */
  readonly kind: 'password' | 'hj212-password';
  /** `scrypt$N$r$p$salt$hash`, base64url. */
  readonly hash: string;
}

/** One of the two names the certificate. */
export interface CertificateCredential extends Validity {
  readonly kind: 'certificate';
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly fingerprint256?: string;
  /** Subject CN of a certificate by the agency's CA, whichever certificate of that name it is. */
  readonly commonName?: string;
}

/** A public key: what is signed with it is a login (JWT) or a reading. */
export interface KeyCredential extends Validity {
  readonly kind: 'jwt-ed25519' | 'signing-ed25519';
  /** The 32 bytes of the Ed25519 public key (RFC 8032 §5.1.5), base64url: the member `x` of its JWK (RFC 8037 §2). */
  readonly publicKey: string;
}

export type Credential = PasswordCredential | CertificateCredential | KeyCredential;

/** Credentials kept on a device's record; the oldest that ended leaves, signing keys last. */
export const CREDENTIALS_MAX = 100;

/** Whether a credential counts at a moment, in epoch ms. */
export function isValidAt({ validFrom, validTo }: Validity, at: number): boolean {
  return validFrom <= at && (validTo === undefined || at < validTo);
}

/** A device as deployments of the first version wrote it: one secret, valid from the beginning. */
type FirstDeviceRecord = Omit<DeviceRecord, 'credentials'> & { readonly secretHash: string };

/** Reads a `sys.devices` payload, whichever version wrote it. */
export function toDeviceRecord(payload: DeviceRecord | FirstDeviceRecord): DeviceRecord {
  if (!('secretHash' in payload)) return payload;
  const { secretHash, ...device } = payload;
  return { ...device, credentials: [{ id: 'first', kind: 'password', hash: secretHash, validFrom: 0 }] };
}
