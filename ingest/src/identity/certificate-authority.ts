/**
 * This deployment's own certificate authority for devices: a self-signed certificate (X.509 v3, RFC 5280) and its key in
 * `keys/`, and the certificates it issues. ECDSA P-256 with SHA-256, which small TLS stacks have.
 */
// @peculiar/x509 wants it to be there first.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { AirtightError } from '@airtight/protocol';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export const CA_KEY_FILE = 'ca.key';
export const CA_CERTIFICATE_FILE = 'ca.crt';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_LIFE_MS = 20 * 365 * DAY_MS;
/** Devices stand in the field for years; a certificate is revoked on record, not by its end. */
export const CERTIFICATE_LIFE_MS = 5 * 365 * DAY_MS;
/** Not over 398 days, beyond which some clients trust no server certificate. */
export const SERVER_CERTIFICATE_LIFE_MS = 365 * DAY_MS;
/** Clocks of devices that are behind must not find the certificate not yet valid. */
const BACKDATE_MS = DAY_MS;
const SERIAL_BYTES = 16;
const SECRET_MODE = 0o600;
const CSR_MAX_LENGTH = 16 * 1024;

cryptoProvider.set(webcrypto as Crypto);

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 PEM; absent when the device made its key itself. */
  readonly privateKey?: string;
  /** PEM of the CA's certificate. */
  readonly ca: string;
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly fingerprint256: string;
  /** Epoch ms. */
  readonly validTo: number;
}

export class CertificateAuthority {
  readonly #certificate: X509Certificate;
  readonly #key: CryptoKey;

  private constructor(certificate: X509Certificate, key: CryptoKey) {
    this.#certificate = certificate;
    this.#key = key;
  }

  /**
   * Makes key and certificate in `keysDir`.
   * @returns the CA's certificate in PEM
   * @throws AirtightError CA_EXISTS: a new key would make every issued certificate worthless
   */
  static async create(keysDir: string, name: string, now: number): Promise<string> {
    const [keyFile, certificateFile] = [join(keysDir, CA_KEY_FILE), join(keysDir, CA_CERTIFICATE_FILE)];
    if (existsSync(keyFile) || existsSync(certificateFile)) throw new AirtightError('CA_EXISTS', keyFile);
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + CA_LIFE_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    writeFileSync(keyFile, await exportKey(keys.privateKey), { mode: SECRET_MODE, flag: 'wx', flush: true });
    const pem = `${certificate.toString('pem')}\n`;
    writeFileSync(certificateFile, pem, { flag: 'wx', flush: true });
    return pem;
  }

  /** @throws AirtightError CA_MISSING */
  static async open(keysDir: string): Promise<CertificateAuthority> {
    const keyFile = join(keysDir, CA_KEY_FILE);
    if (!existsSync(keyFile)) throw new AirtightError('CA_MISSING', 'airtight ca init makes it');
    const der = createPrivateKey(readFileSync(keyFile)).export({ type: 'pkcs8', format: 'der' });
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    return new CertificateAuthority(new X509Certificate(readFileSync(join(keysDir, CA_CERTIFICATE_FILE), 'utf8')), key as CryptoKey);
  }

  /**
   * Issues a client certificate with CN = `producer`.
   * @param csr PKCS #10 request in PEM, when the device has made its key itself; its subject is not looked at
   * @throws AirtightError REQUEST_INVALID for a request that is none, or is not signed by its key
   */
  async issue(producer: string, now: number, csr?: string): Promise<IssuedCertificate> {
    return this.#certify(producer, {
      now,
      lifeMs: CERTIFICATE_LIFE_MS,
      usage: ExtendedKeyUsage.clientAuth,
      extensions: [],
      ...(csr === undefined ? {} : { publicKey: await requestedKey(csr) }),
    });
  }

  /** Issues a server certificate. @param hosts host names and IP addresses it is to be valid for, the first one its CN */
  async issueServer(hosts: readonly [string, ...string[]], now: number): Promise<IssuedCertificate> {
    const names = hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
    return this.#certify(hosts[0], {
      ...{ now, lifeMs: SERVER_CERTIFICATE_LIFE_MS, usage: ExtendedKeyUsage.serverAuth },
      extensions: [new SubjectAlternativeNameExtension(names)],
    });
  }

  async #certify(commonName: string, { now, lifeMs, usage, extensions, publicKey }: Wanted): Promise<IssuedCertificate> {
    const own = publicKey === undefined ? await generateKeys() : undefined;
    const validTo = Math.min(now + lifeMs, this.#certificate.notAfter.getTime());
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [commonName] }],
      issuer: this.#certificate.subjectName,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(validTo),
      signingAlgorithm: ALGORITHM,
      publicKey: publicKey ?? (own as webcrypto.CryptoKeyPair).publicKey,
      signingKey: this.#key,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...extensions,
      ],
    });
    const pem = `${certificate.toString('pem')}\n`;
    return {
      certificate: pem,
      ...(own === undefined ? {} : { privateKey: await exportKey(own.privateKey) }),
      ca: `${this.#certificate.toString('pem')}\n`,
      fingerprint256: new NodeCertificate(pem).fingerprint256.replaceAll(':', '').toLowerCase(),
      validTo,
    };
  }
}

interface Wanted {
  readonly now: number;
  readonly lifeMs: number;
  readonly usage: ExtendedKeyUsage;
  readonly extensions: readonly Extension[];
  /** Absent: a key is made. */
  readonly publicKey?: Pkcs10CertificateRequest['publicKey'];
}

async function requestedKey(csr: string): Promise<Pkcs10CertificateRequest['publicKey']> {
  try {
    if (csr.length > CSR_MAX_LENGTH) throw new Error(`more than ${CSR_MAX_LENGTH} characters`);
    const request = new Pkcs10CertificateRequest(csr);
    if (await request.verify()) return request.publicKey;
  } catch (error) {
    throw new AirtightError('REQUEST_INVALID', `certificate request: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  throw new AirtightError('REQUEST_INVALID', 'the certificate request is not signed by its key');
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey), 'PRIVATE KEY')}\n`;
}

/** Positive, not zero (RFC 5280 §4.1.2.2): the first bit is clear, the second is set. */
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
