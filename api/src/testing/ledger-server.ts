/** A small signed log in memory behind the ledger's inner interface, for tests. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ED25519,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  formatVkey,
  leafHash,
  makeVkey,
  rootOfLeafHashes,
  tilePath,
  type Vkey,
} from '@airtight/tlog';

const ORIGIN = 'test.example/log';

export class LedgerServer {
  readonly entries: Uint8Array[] = [];
  readonly vkey: Vkey;
  readonly #privateKey: KeyObject;
  #server: Server | undefined;
  url = '';

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from((publicKey.export({ format: 'jwk' }) as { x: string }).x, 'base64url');
    this.vkey = makeVkey(ORIGIN, ED25519, raw);
    this.#privateKey = privateKey;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').slice(1);
      if (path === 'info') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.info()));
      else if (path === 'checkpoint') response.end(this.info().checkpoint);
      else if (path === 'metrics') response.end('# TYPE airtight_ledger_size gauge\nairtight_ledger_size 1\n# EOF\n');
      else if (path === tilePath(0, 0, this.entries.length)) response.end(Buffer.concat(this.#leaves()));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** @returns index of the entry */
  add(entry: Uint8Array): number {
    return this.entries.push(entry) - 1;
  }

  info() {
    const size = this.entries.length;
    const root = rootOfLeafHashes(Buffer.concat(this.#leaves()));
    const text = formatCheckpoint({ origin: ORIGIN, size, root });
    const signature = sign(null, Buffer.from(text), this.#privateKey);
    const checkpoint = formatNote(text, [{ name: ORIGIN, keyId: this.vkey.keyId, signature }]);
    return { origin: ORIGIN, vkey: formatVkey(this.vkey), size, root: encodeBase64(root), checkpoint };
  }

  #leaves(): Uint8Array[] {
    return this.entries.map((entry) => leafHash(entry));
  }
}
