/** The root certificates of the time-stamping authorities that are trusted: a PEM file. */
import { X509Certificate } from 'node:crypto';

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * @param pem one or more certificates; what stands between them is not looked at
 * @returns DER
 * @throws when one of them is no certificate
 */
export function certificatesIn(pem: string): Uint8Array[] {
  return (pem.match(PEM) ?? []).map((one) => new X509Certificate(one).raw);
}
