/** A witness that the test can put to sleep: cosigns what a ledger brings it (c2sp.org/tlog-witness), and does not remember. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  formatSignatureLine,
  formatTimestampedSignature,
  formatVkey,
  makeVkey,
  parseAddCheckpoint,
  parseNote,
} from '@airtight/tlog';

export class DrowsyWitness {
  isAwake = true;
  /** Verifier key, as a policy names it. */
  readonly vkey: string;
  readonly #keys = generateKeyPairSync('ed25519');
  readonly #parsed: ReturnType<typeof makeVkey>;
  readonly #server = createServer((request, response) => {
    this.#answer(request)
      .then(({ status, text }) => response.writeHead(status).end(text))
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  constructor(name: string) {
    const publicKey = createPublicKey(this.#keys.privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.#parsed = makeVkey(name, ED25519_COSIGNATURE, publicKey);
    this.vkey = formatVkey(this.#parsed);
  }

  /** @returns the submission prefix */
  async start(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly text: string }> {
    const body = Buffer.concat(await request.toArray());
    if (!this.isAwake) return { status: 503, text: 'asleep\n' };
    const asked = parseAddCheckpoint(body);
    const note = asked.ok ? parseNote(Buffer.from(asked.value.note)) : asked;
    if (!note.ok) return { status: 400, text: note.detail };
    const time = Math.floor(Date.now() / 1000);
    const signature = sign(null, ed25519CosignatureMessage(time, note.value.textBytes), this.#keys.privateKey);
    const { name, keyId } = this.#parsed;
    return { status: 200, text: formatSignatureLine({ name, keyId, signature: formatTimestampedSignature({ time, signature }) }) };
  }
}
