/** Secrets of webhooks, in files that only this service reads: the journal names the channel and nothing more. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatWebhookSecret, WEBHOOK_SECRET_MIN_BYTES } from '@airtight/standards/standard-webhooks.ts';

/** After a rotation the receiver has so long to take the new secret: both sign meanwhile. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

interface KeptSecret {
  readonly secret: string;
  /** Epoch ms; absent: it is the present one. */
  readonly until?: number;
}

export class ChannelSecrets {
  readonly #dir: string;
  readonly #now: () => number;

  /** @param dataDir the folder is `keys/channels/` in it */
  constructor(dataDir: string, now: () => number = Date.now) {
    this.#dir = join(dataDir, 'keys', 'channels');
    this.#now = now;
  }

  /** The new one first; none for a channel that has none. */
  of(channel: string): readonly string[] {
    return this.#read(channel).flatMap(({ secret, until }) => (until === undefined || until > this.#now() ? [secret] : []));
  }

  /** Makes a new one; the present one goes on signing for SECRET_OVERLAP_MS. @returns it */
  rotate(channel: string): string {
    const secret = formatWebhookSecret(randomBytes(WEBHOOK_SECRET_MIN_BYTES));
    if (secret === null) throw new Error('a secret of the least length is one');
    const until = this.#now() + SECRET_OVERLAP_MS;
    const present = this.#read(channel)
      .filter((one) => one.until === undefined)
      .map((one) => ({ secret: one.secret, until }));
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const path = this.#pathOf(channel);
    writeFileSync(`${path}.new`, `${JSON.stringify([{ secret }, ...present])}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    return secret;
  }

  #read(channel: string): readonly KeptSecret[] {
    const path = this.#pathOf(channel);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as KeptSecret[]) : [];
  }

  #pathOf(channel: string): string {
    return join(this.#dir, `${channel}.json`);
  }
}
