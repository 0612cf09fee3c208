/**
 * Limits failed logins without letting a guesser lock out the device he guesses at. A login is judged by one of these
 * token buckets, each of which loses a token with a failed login and regains it with time:
 *
 * - from an address from which the name has logged in before, by the bucket of address and name alone: whatever others
 *   try elsewhere, or under other names behind the same NAT, the device gets in;
 * - else by the bucket of the address, and by that of the name, which holds over all such addresses.
 *
 * All maps are bounded: the entry that was not used for the longest time goes. IPv6 addresses count by their /64, which
 * is what one subscriber gets.
 */
import { isIPv6 } from 'node:net';

/** Failed logins at once; a device that was given a wrong secret retries a few times a minute. */
export const FAILURES_MAX = 10;
/** One more is allowed after this time: ten a minute. */
export const FAILURE_REGAIN_MS = 6000;
/** Failed logins at once for one name from addresses that are new to it. */
export const NAME_FAILURES_MAX = 30;
/** Addresses and names with failures that are remembered; some 100 B each. */
export const FAILING_MAX = 20_000;
/** Pairs of address and name with a successful login that are remembered: several for each of 20,000 devices. */
export const KNOWN_PAIRS_MAX = 100_000;
const IPV6_GROUPS = 8;
const IPV6_NETWORK_GROUPS = 4;

interface Bucket {
  tokens: number;
  /** Epoch ms of the last change. */
  at: number;
}

/** A map that forgets what was not used for the longest time. */
class RecentMap<V> extends Map<string, V> {
  readonly #max: number;
  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: string, value: V): this {
    // Map keeps the order of insertion: what is set again goes to the end.
    this.delete(key);
    if (this.size >= this.#max) this.delete(this.keys().next().value as string);
    return super.set(key, value);
  }
}

export class GuessLimit {
  readonly #addresses = new RecentMap<Bucket>(FAILING_MAX);
  readonly #names = new RecentMap<Bucket>(FAILING_MAX);
  readonly #pairs = new RecentMap<Bucket>(FAILING_MAX);
  readonly #known = new RecentMap<true>(KNOWN_PAIRS_MAX);

  /** @returns 0 when a login may be tried now, else the ms after which it may */
  waitMs(address: string, name: string, now: number): number {
    const network = networkOf(address);
    const pair = `${network} ${name}`;
    if (this.#known.has(pair)) return waitMs(this.#pairs.get(pair), FAILURES_MAX, now);
    return Math.max(waitMs(this.#addresses.get(network), FAILURES_MAX, now), waitMs(this.#names.get(name), NAME_FAILURES_MAX, now));
  }

  failed(address: string, name: string, now: number): void {
    const network = networkOf(address);
    const pair = `${network} ${name}`;
    if (this.#known.has(pair)) return take(this.#pairs, pair, FAILURES_MAX, now);
    take(this.#addresses, network, FAILURES_MAX, now);
    take(this.#names, name, NAME_FAILURES_MAX, now);
  }

  succeeded(address: string, name: string): void {
    this.#known.set(`${networkOf(address)} ${name}`, true);
  }
}

function refilled(bucket: Bucket | undefined, max: number, now: number): number {
  if (bucket === undefined) return max;
  // A clock that was set back refills nothing.
  return Math.min(max, bucket.tokens + Math.max(0, now - bucket.at) / FAILURE_REGAIN_MS);
}

function waitMs(bucket: Bucket | undefined, max: number, now: number): number {
  const tokens = refilled(bucket, max, now);
  return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * FAILURE_REGAIN_MS);
}

function take(buckets: RecentMap<Bucket>, key: string, max: number, now: number): void {
  buckets.set(key, { tokens: Math.max(0, refilled(buckets.get(key), max, now) - 1), at: now });
}

/** `::ffff:192.0.2.1` is the IPv4 address; another IPv6 address stands for its /64. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const [front, back] = [head, tail].map((text) => (text === '' ? [] : text.split(':'))) as [string[], string[]];
  const zeros = new Array<string>(Math.max(0, IPV6_GROUPS - front.length - back.length)).fill('0');
  const groups = address.includes('::') ? [...front, ...zeros, ...back] : front;
  return groups
    .slice(0, IPV6_NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
