/** What a TLS listener needs without a person's doing: a server certificate by the deployment's own CA, and that CA. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type DataDirectory, writeSecret } from '../data-directory.ts';

const CA_NAME = 'Airtight device CA';
/** A certificate that ends within it is replaced at a start. */
const RENEWAL_MS = 30 * 86_400_000;

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** The own CA, which vouches for the server and for devices. */
  readonly ca: string;
}

/** The names of this machine, for itself and for its neighbours. */
export function serverHosts(): [string, ...string[]] {
  return ['localhost', hostname(), '127.0.0.1', '::1'];
}

/**
 * Makes the CA when there is none, and the server's key and certificate when there is none, when it ends soon, or is not
 * for all `hosts`.
 */
export async function createServerCertificate(
  { keys, serverKeyFile, serverCertificateFile }: DataDirectory,
  hosts: readonly [string, ...string[]],
  now: number,
): Promise<TlsFiles> {
  const { CA_CERTIFICATE_FILE, CA_KEY_FILE, CertificateAuthority } = await import('@airtight/ingest/certificate-authority.ts');
  const files = { certificate: serverCertificateFile, key: serverKeyFile, ca: join(keys, CA_CERTIFICATE_FILE) };
  if (!existsSync(join(keys, CA_KEY_FILE))) await CertificateAuthority.create(keys, CA_NAME, now);
  if (isGood(files, hosts, now)) return files;
  const issued = await (await CertificateAuthority.open(keys)).issueServer(hosts, now);
  writeSecret(files.key, issued.privateKey as string);
  writeFileSync(files.certificate, issued.certificate, { flush: true });
  return files;
}

function isGood({ certificate, key, ca }: TlsFiles, hosts: readonly string[], now: number): boolean {
  if (!existsSync(certificate) || !existsSync(key)) return false;
  const server = new X509Certificate(readFileSync(certificate));
  const isFor = (host: string): boolean => (isIP(host) === 0 ? server.checkHost(host) : server.checkIP(host)) !== undefined;
  return (
    server.validToDate.getTime() - now > RENEWAL_MS && hosts.every(isFor) && server.verify(new X509Certificate(readFileSync(ca)).publicKey)
  );
}
