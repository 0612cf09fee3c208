/**
 * Delivers by HTTP POST, signed by Standard Webhooks 1.0.0. The name is resolved once, every address is checked, and the
 * connection goes to the checked address: a name that resolves to another one a moment later reaches nothing inside.
 */
import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import {
  signWebhook,
  WEBHOOK_ID_HEADER,
  WEBHOOK_SIGNATURE_HEADER,
  WEBHOOK_TIMESTAMP_HEADER,
} from '@airtight/standards/standard-webhooks.ts';
import type { Message } from './outbox.ts';

/** "Request timeouts … 15s-30s". */
export const WEBHOOK_TIMEOUT_MS = 15_000;
/** Of the answer only the status counts. */
const ANSWER_MAX_BYTES = 16 * 1024;
/** Longest Retry-After that is heeded. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

export interface Sent {
  readonly ok: boolean;
  /** Without names and addresses. */
  readonly detail: string;
  /** HTTP 410: the receiver wants nothing any more. */
  readonly isGone?: boolean;
  /** The receiver asks for at least so long a pause. */
  readonly pauseMs?: number;
}

/** Addresses that are not of the public Internet: RFC 6890 and its registries, multicast, what maps or translates to them. */
const NOT_PUBLIC = new BlockList();
for (const [net, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
  ] as const),
  ...([
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
  ] as const),
  ...([
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ] as const),
] as const)
  NOT_PUBLIC.addSubnet(net, prefix, 'ipv4');
/** Only 2000::/3 is given out; within it what is not for the Internet, or carries an IPv4 address. */
for (const [net, prefix] of [
  ...([
    ['::', 3],
    ['4000::', 2],
    ['8000::', 1],
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ] as const),
])
  NOT_PUBLIC.addSubnet(net, prefix, 'ipv6');

/** @param networks e.g. `10.1.0.0/16, ::1/128` @returns null when one of them is none */
export function parseNetworks(networks: string): BlockList | null {
  const allowed = new BlockList();
  for (const one of networks
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const [net = '', prefix] = one.split('/');
    const family = isIP(net);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return null;
    allowed.addSubnet(net, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return allowed;
}

/** @returns why nothing may be sent there; undefined when it may */
export function addressFault(address: string, allowed: BlockList): 'address denied' | undefined {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  return allowed.check(address, family) || !NOT_PUBLIC.check(address, family) ? undefined : 'address denied';
}

/** Every address of a name, as this machine resolves it; none for a name that is not known. */
type Resolve = (host: string) => Promise<readonly { readonly address: string }[]>;

export class WebhookSender {
  readonly #allowed: BlockList;
  readonly #now: () => number;
  readonly #resolve: Resolve;

  /** @param allowed networks that are not public and may be sent to; to them alone without TLS */
  constructor(
    allowed: BlockList,
    { now = Date.now, resolve = resolveName }: { readonly now?: () => number; readonly resolve?: Resolve } = {},
  ) {
    this.#allowed = allowed;
    this.#now = now;
    this.#resolve = resolve;
  }

  async send(url: string, { name, body }: Pick<Message, 'name' | 'body'>, secrets: readonly string[]): Promise<Sent> {
    const target = URL.parse(url);
    if (target === null || !/^https?:$/.test(target.protocol)) return { ok: false, detail: 'url invalid' };
    const bytes = Buffer.from(body);
    const timestampS = Math.floor(this.#now() / 1000);
    const signed = signWebhook({ id: name, timestampS }, bytes, secrets);
    if (!signed.ok) return { ok: false, detail: `not signed: ${signed.reason}` };
    const address = await this.#checkedAddress(target);
    if ('detail' in address) return { ok: false, ...address };
    return post(target, address, bytes, {
      'content-type': 'application/json',
      'content-length': String(bytes.length),
      'user-agent': 'Airtight',
      [WEBHOOK_ID_HEADER]: name,
      [WEBHOOK_TIMESTAMP_HEADER]: String(timestampS),
      [WEBHOOK_SIGNATURE_HEADER]: signed.signature,
    });
  }

  /** The first address, when all of them may be sent to. */
  async #checkedAddress({ hostname, protocol }: URL): Promise<{ readonly address: string } | { readonly detail: string }> {
    const host = hostname.replace(/^\[|\]$/g, '');
    const found = isIP(host) !== 0 ? [{ address: host }] : await this.#resolve(host);
    const [first] = found;
    if (first === undefined) return { detail: 'name not found' };
    if (found.some(({ address }) => addressFault(address, this.#allowed) !== undefined)) return { detail: 'address denied' };
    const isOurs = found.every(({ address }) => this.#allowed.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'));
    return protocol === 'http:' && !isOurs ? { detail: 'https required' } : { address: first.address };
  }
}

async function resolveName(host: string): ReturnType<Resolve> {
  return lookup(host, { all: true }).catch(() => []);
}

function post(
  target: URL,
  { address }: { readonly address: string },
  body: Buffer,
  headers: { readonly [name: string]: string },
): Promise<Sent> {
  const family = isIP(address);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(target, {
      method: 'POST',
      headers,
      agent: false,
      signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
      // Pinned: the name stays in Host and in TLS, the address is the one that was checked.
      lookup: (_name, options, done) => (options.all ? done(null, [{ address, family }]) : done(null, address, family)),
    });
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve({
        ok: false,
        detail: error.name === 'AbortError' || error.name === 'TimeoutError' ? 'timeout' : (error.code ?? 'connection failed'),
      }),
    );
    request.on('response', (response) => {
      let received = 0;
      const status = response.statusCode ?? 0;
      const done = () => resolve(outcomeOf(status, response.headers['retry-after']));
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received <= ANSWER_MAX_BYTES) return;
        done();
        request.destroy();
      });
      response.on('end', done).on('error', () => resolve({ ok: false, detail: 'answer broke off' }));
    });
    request.end(body);
  });
}

/** "Success is 2xx; 410 Gone disables; anything else, 3xx included, is a failure". */
function outcomeOf(status: number, retryAfter: string | undefined): Sent {
  const detail = `http ${status}`;
  if (status >= 200 && status < 300) return { ok: true, detail };
  const seconds = /^\d{1,8}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  return {
    ok: false,
    detail,
    isGone: status === 410,
    ...(seconds === undefined ? {} : { pauseMs: Math.min(seconds * 1000, RETRY_AFTER_MAX_MS) }),
  };
}
