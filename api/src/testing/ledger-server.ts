/** A small signed log in memory behind the ledger's inner interface, for tests. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CoveringAnchor,
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
import type { Cosigning, EvidenceFile } from '../upstream/ledger-client.ts';

const ORIGIN = 'test.example/log';

export class LedgerServer {
  readonly entries: Uint8Array[] = [];
  readonly vkey: Vkey;
  /** Size of the final checkpoint; null: none has enough cosignatures. */
  finalSize: number | null = null;
  /** Answer of `/cosigning`. */
  cosigning: Cosigning = { log: null, witness: null };
  /** Evidence files, newest first. */
  readonly evidence: EvidenceFile[] = [];
  /** Answer of `/anchors-covering/…`. */
  readonly anchors: CoveringAnchor[] = [];
  /** What came to the witness. */
  readonly submitted: Buffer[] = [];
  /** How the witness answers to it. */
  answer: { status: number; headers: { [name: string]: string }; body: string } = { status: 404, headers: {}, body: '' };
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
      if (path.startsWith('witness/v0/')) void this.#witness(path.slice('witness/v0/'.length), request, response);
      else if (path === 'cosigning') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.cosigning));
      else if (path === 'info') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.info()));
      else if (path === 'anchoring') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sinks: [] }));
      else if (path.startsWith('anchors-covering/'))
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items: this.anchors }));
      else if (path === 'checkpoint') response.end(this.info().checkpoint);
      else if (path === 'metrics') response.end('# TYPE airtight_ledger_size gauge\nairtight_ledger_size 1\n# EOF\n');
      else if (path === 'checkpoint.final' && this.finalSize !== null) response.end(this.info().final?.checkpoint);
      else if (path === tilePath(0, 0, this.entries.length)) response.end(Buffer.concat(this.#leaves()));
      else if (this.finalSize !== null && path === tilePath(0, 0, this.finalSize))
        response.end(Buffer.concat(this.#leaves().slice(0, this.finalSize)));
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
    const final = this.finalSize === null ? null : this.#checkpointAt(this.finalSize);
    const vkey = formatVkey(this.vkey);
    return { origin: ORIGIN, vkey, policy: `log ${vkey}\nquorum none\n`, ...this.#checkpointAt(this.entries.length), final };
  }

  /** A checkpoint signed by the log, over whatever tree. */
  signedCheckpoint(size: number, root: Uint8Array): string {
    const text = formatCheckpoint({ origin: ORIGIN, size, root });
    const signature = sign(null, Buffer.from(text), this.#privateKey);
    return formatNote(text, [{ name: ORIGIN, keyId: this.vkey.keyId, signature }]);
  }

  #checkpointAt(size: number) {
    const root = rootOfLeafHashes(Buffer.concat(this.#leaves().slice(0, size)));
    return { size, root: encodeBase64(root), checkpoint: this.signedCheckpoint(size, root) };
  }

  async #witness(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = this.answer;
    if (path === 'add-checkpoint') {
      this.submitted.push(Buffer.concat(await request.toArray()));
      response.writeHead(status, headers).end(body);
      return;
    }
    const file = this.evidence.find(({ id }) => path === `evidence/${id}`);
    const answer = path === 'evidence' ? { items: this.evidence, next: null } : file;
    if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(answer));
  }

  #leaves(): Uint8Array[] {
    return this.entries.map((entry) => leafHash(entry));
  }
}
