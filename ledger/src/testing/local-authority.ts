/** A time-stamping authority of one's own for tests: keys, certificates and answers by the program openssl, HTTP by Node. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface AuthorityOptions {
  /** Of the authority and its root. */
  readonly key?: 'rsa' | 'p256' | 'p384';
  /** SHA-1: the older form of the attribute that names the certificate. */
  readonly certificateId?: 'sha1' | 'sha256';
  /** An authority between the root and the one that stamps. */
  readonly intermediate?: boolean;
  /** Its certificate ended before today. */
  readonly expired?: boolean;
  /** Value of the extension extendedKeyUsage. */
  readonly purposes?: string;
}

export interface Authority {
  /** PEM of the root certificate. */
  readonly rootFile: string;
  /** PEM of the authority's certificate. */
  readonly certificateFile: string;
  /** Answers a query, DER in and out. */
  reply(query: Uint8Array): Uint8Array;
}

export function hasOpenssl(): boolean {
  try {
    return execFileSync('openssl', ['version']).toString().startsWith('OpenSSL 3');
  } catch {
    return false;
  }
}

export function openssl(...args: readonly string[]): Buffer {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Makes root, certificate and configuration in a new folder. */
export function makeAuthority(dir: string, options: AuthorityOptions = {}): Authority {
  const { certificateId = 'sha256', intermediate = false, expired = false, purposes = 'critical,timeStamping' } = options;
  mkdirSync(dir, { recursive: true });
  const at = (name: string): string => join(dir, name);
  const issue = certificateMaker(dir, keyArguments(options.key ?? 'rsa'));
  issue('root', null, 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign');
  if (intermediate) issue('middle', 'root', 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign');
  const extensions = `basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${purposes}`;
  issue('tsa', intermediate ? 'middle' : 'root', extensions, expired);
  writeFileSync(at('serial'), '01\n');
  writeFileSync(
    at('tsa.cnf'),
    `[tsa]\ndefault_tsa=one\n[one]\nserial=${at('serial')}\nsigner_cert=${at('tsa.crt')}\nsigner_key=${at('tsa.key')}\n` +
      `${intermediate ? `certs=${at('middle.crt')}\n` : ''}signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\n` +
      `accuracy=secs:1\nordering=yes\ntsa_name=yes\ness_cert_id_alg=${certificateId}\n`,
  );
  return {
    rootFile: at('root.crt'),
    certificateFile: at('tsa.crt'),
    reply(query) {
      writeFileSync(at('query'), query);
      openssl('ts', '-reply', '-config', at('tsa.cnf'), '-section', 'one', '-queryfile', at('query'), '-out', at('reply'));
      return readFileSync(at('reply'));
    },
  };
}

function keyArguments(key: 'rsa' | 'p256' | 'p384'): readonly string[] {
  if (key === 'rsa') return ['-newkey', 'rsa:2048'];
  return ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${key === 'p256' ? 'P-256' : 'P-384'}`];
}

/** Days of a certificate that ended before anyone tests: `openssl ca` alone can set both ends. */
const PAST = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'];
const VALID = ['-days', '3650'];

function certificateMaker(dir: string, newKey: readonly string[]) {
  const at = (name: string): string => join(dir, name);
  writeFileSync(at('index'), '');
  writeFileSync(at('index.attr'), 'unique_subject=no\n');
  const subjects = '[any]\ncommonName=supplied\n';
  writeFileSync(
    at('ca.cnf'),
    `[ca]\ndatabase=${at('index')}\nnew_certs_dir=${dir}\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n${subjects}`,
  );
  return (name: string, issuer: string | null, extensions: string, expired = false): void => {
    writeFileSync(at(`${name}.ext`), extensions);
    const request = ['-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=Test ${name}`];
    openssl('req', '-new', ...newKey, ...request);
    const signer =
      issuer === null ? ['-selfsign', '-keyfile', at(`${name}.key`)] : ['-cert', at(`${issuer}.crt`), '-keyfile', at(`${issuer}.key`)];
    const config = ['-batch', '-notext', '-config', at('ca.cnf'), '-name', 'ca', '-extfile', at(`${name}.ext`)];
    openssl('ca', ...config, ...signer, ...(expired ? PAST : VALID), '-in', at(`${name}.csr`), '-out', at(`${name}.crt`));
  };
}

export interface ServedAuthority {
  readonly url: string;
  readonly requests: () => number;
  close(): Promise<void>;
}

/**
 * Serves an authority on loopback.
 * @param port 0: a free one
 * @param change what becomes of an answer on its way
 */
export async function serveAuthority(
  { reply }: Pick<Authority, 'reply'>,
  port = 0,
  change: (answer: Uint8Array) => Uint8Array = (answer) => answer,
): Promise<ServedAuthority> {
  let requests = 0;
  const server: Server = createServer(async (request, response) => {
    requests++;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const isQuery = request.method === 'POST' && request.headers['content-type'] === 'application/timestamp-query';
    if (!isQuery) return response.writeHead(400).end();
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(change(reply(Buffer.concat(chunks))));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
