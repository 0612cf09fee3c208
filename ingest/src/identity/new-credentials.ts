/** Credentials as they are asked for, made: what goes on record, and what is shown once. */
import { randomBytes, randomInt } from 'node:crypto';
import { accept, type Credential, type Outcome, type PasswordCredential, refuse } from '@airtight/protocol';
import type { IssuedCertificate } from './certificate-authority.ts';
import { keyIdOf, parsePublicKey } from './ed25519-key.ts';
import { generateSecret, hashSecret, SHORT_SECRET_COST } from './secret-hash.ts';

export interface CredentialRequest {
  /** Password chosen by the caller. */
  readonly secret?: string;
  /** A password is generated when true, and when nothing else to log in with is asked for. */
  readonly password?: boolean;
  /** Issued by our own CA, or known by what the agency's CA has issued. */
  readonly certificate?: { readonly csr?: string; readonly fingerprint256?: string; readonly commonName?: string };
  /** Ed25519 public keys: PEM, JWK, or 32 bytes in base64url. */
  readonly jwtKey?: string;
  readonly signKey?: string;
  /** What an HJ 212 monitor sends in each frame: six digits by the standard, generated when true. It opens that door alone. */
  readonly hj212Password?: string | true;
}

/** What a device must be given; nothing of it can be asked for again. */
export interface ShownOnce {
  readonly secret?: string;
  /** Where it was generated. */
  readonly hj212Password?: string;
  readonly certificate?: IssuedCertificate;
  /** Ids of the new credentials: `kid` of a signing key. */
  readonly credentials: readonly { readonly id: string; readonly kind: Credential['kind'] }[];
}

export interface NewCredentials {
  readonly credentials: readonly Credential[];
  readonly shown: ShownOnce;
}

export const SECRET_MIN_LENGTH = 16;
export const SECRET_MAX_LENGTH = 256;
const RANDOM_ID_BYTES = 8;
const HJ212_PASSWORD_DIGITS = 6;
const CERTIFICATE_ID_CHARACTERS = 16;
const COMMON_NAME_MAX_LENGTH = 64;

/**
 * @param keysDir where the CA is
 * @returns REQUEST_INVALID, CA_MISSING
 * @throws AirtightError REQUEST_INVALID for a certificate request that cannot be used
 */
export async function makeCredentials(
  request: CredentialRequest,
  { producer, now, keysDir }: { readonly producer: string; readonly now: number; readonly keysDir: string },
): Promise<Outcome<NewCredentials>> {
  const credentials: Credential[] = [];
  const { jwtKey, signKey, certificate, hj212Password } = request;
  for (const [kind, text] of [
    ['jwt-ed25519', jwtKey],
    ['signing-ed25519', signKey],
  ] as const) {
    if (text === undefined) continue;
    const publicKey = parsePublicKey(text);
    if (publicKey === undefined) return refuse('REQUEST_INVALID', `${kind}: an Ed25519 public key is wanted (PEM, JWK or base64url)`);
    credentials.push({ id: keyIdOf(publicKey), kind, publicKey, validFrom: now });
  }
  let issued: IssuedCertificate | undefined;
  if (certificate !== undefined) {
    const { fingerprint256, commonName, csr } = certificate;
    if (fingerprint256 === undefined && commonName === undefined) {
      // Loaded when it is needed: most deployments never issue one.
      const { CertificateAuthority } = await import('./certificate-authority.ts');
      issued = await (await CertificateAuthority.open(keysDir)).issue(producer, now, csr);
    }
    const known = toCertificate(issued?.fingerprint256 ?? fingerprint256, commonName, now, issued?.validTo);
    if (!known.ok) return known;
    credentials.push(known.value);
  }
  const monitorPassword = hj212Password === true ? generateHj212Password() : hj212Password;
  if (monitorPassword !== undefined) credentials.push(await toPassword('hj212-password', monitorPassword, now));
  const secret =
    request.secret ??
    ((request.password ?? (jwtKey === undefined && certificate === undefined && hj212Password === undefined))
      ? generateSecret()
      : undefined);
  if (secret !== undefined) {
    if (secret.length < SECRET_MIN_LENGTH || secret.length > SECRET_MAX_LENGTH)
      return refuse('REQUEST_INVALID', `a secret has ${SECRET_MIN_LENGTH} to ${SECRET_MAX_LENGTH} characters`);
    credentials.push(await toPassword('password', secret, now));
  }
  const shown = {
    ...(secret === undefined ? {} : { secret }),
    ...(hj212Password === true ? { hj212Password: monitorPassword as string } : {}),
    ...(issued === undefined ? {} : { certificate: issued }),
    credentials: credentials.map(({ id, kind }) => ({ id, kind })),
  };
  return accept({ credentials, shown });
}

async function toPassword(kind: PasswordCredential['kind'], secret: string, now: number): Promise<Credential> {
  return {
    id: randomId(),
    kind,
    hash: await hashSecret(secret, kind === 'hj212-password' ? SHORT_SECRET_COST : undefined),
    validFrom: now,
  };
}

/** Six digits, as the standard has it. Guessing is limited where it is asked for. */
function generateHj212Password(): string {
  return String(randomInt(10 ** HJ212_PASSWORD_DIGITS)).padStart(HJ212_PASSWORD_DIGITS, '0');
}

/** For what has no digest that may be shown, or none at all. */
function randomId(): string {
  return randomBytes(RANDOM_ID_BYTES).toString('hex');
}

function toCertificate(
  fingerprint: string | undefined,
  commonName: string | undefined,
  now: number,
  validTo: number | undefined,
): Outcome<Credential> {
  if (fingerprint === undefined) {
    const name = commonName as string;
    if (name.length === 0 || name.length > COMMON_NAME_MAX_LENGTH) return refuse('REQUEST_INVALID', 'commonName: 1 to 64 characters');
    return accept({ id: randomId(), kind: 'certificate', commonName: name, validFrom: now });
  }
  const fingerprint256 = fingerprint.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(fingerprint256)) return refuse('REQUEST_INVALID', 'fingerprint256: SHA-256 in hex');
  const id = fingerprint256.slice(0, CERTIFICATE_ID_CHARACTERS);
  return accept({ id, kind: 'certificate', fingerprint256, validFrom: now, ...(validTo === undefined ? {} : { validTo }) });
}
