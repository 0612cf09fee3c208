/** Certificates for the tests of TLS, made by openssl: a CA, and what it vouches for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish } from './programs.ts';

export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const DAYS = ['-days', '2'];

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await finish('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}

export class TestCa {
  readonly folder = mkdtempSync(join(tmpdir(), 'airtight-ca-'));
  readonly caFile = join(this.folder, 'ca.pem');
  readonly #keyFile = join(this.folder, 'ca.key');

  static async create(): Promise<TestCa> {
    const ca = new TestCa();
    await openssl('req', '-x509', ...KEY, ...DAYS, '-subj', '/CN=test CA', '-keyout', ca.#keyFile, '-out', ca.caFile);
    return ca;
  }

  /** A certificate for 127.0.0.1 or for a client, by common name. */
  async issue(commonName: string): Promise<KeyPair> {
    const files = { certFile: join(this.folder, `${commonName}.pem`), keyFile: join(this.folder, `${commonName}.key`) };
    const request = join(this.folder, `${commonName}.csr`);
    const extensions = join(this.folder, `${commonName}.ext`);
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    await openssl('req', '-new', ...KEY, '-subj', `/CN=${commonName}`, '-keyout', files.keyFile, '-out', request);
    const signer = ['-CA', this.caFile, '-CAkey', this.#keyFile, '-CAcreateserial'];
    await openssl('x509', '-req', '-in', request, ...signer, ...DAYS, '-extfile', extensions, '-out', files.certFile);
    return files;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
