/** Logins of devices as doors take them: checked, limited, counted, logged. */
import { AirtightError, type Code, NAME_MAX_LENGTH } from '@airtight/protocol';
import type { Logger } from 'pino';
import { LogLimit } from '../log-limit.ts';
import type { IngestMetrics } from '../metrics.ts';
import { type AuthenticatedDevice, authenticateDevice, claimedName, type DeviceLogin } from './authentication.ts';
import type { DeviceRegistry } from './device-registry.ts';
import { GuessLimit } from './guess-limit.ts';
import { HashQueue } from './hash-queue.ts';

/** A guesser is refused for the rest of the wait without being looked at. */
export class TooManyFailures extends AirtightError {
  readonly retryAfterS: number;
  constructor(waitMs: number) {
    const retryAfterS = Math.ceil(waitMs / 1000);
    super('RATE_LIMITED', `too many failed logins; try again in ${retryAfterS} s`);
    this.retryAfterS = retryAfterS;
  }
}

export interface LoginOptions {
  readonly registry: DeviceRegistry;
  readonly audience: string;
  readonly metrics: Pick<IngestMetrics, 'refusedLogins'>;
  readonly logger: Logger;
}

export class Logins {
  readonly #options: LoginOptions;
  readonly #guesses = new GuessLimit();
  readonly #hashing = new HashQueue();
  readonly #log: LogLimit;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#log = new LogLimit(options.logger);
  }

  /**
   * @param address of the device, as the door sees it
   * @throws AirtightError CREDENTIALS_WRONG, OVERLOADED; TooManyFailures
   */
  async authenticate(login: DeviceLogin, address: string): Promise<AuthenticatedDevice> {
    const { registry, audience } = this.#options;
    const name = claimedName(login).slice(0, NAME_MAX_LENGTH);
    return this.guarded(name, address, () => authenticateDevice(registry, login, Date.now(), { audience }));
  }

  /**
   * Runs a check of something that could be guessed; undefined is a wrong guess.
   * @throws AirtightError `wrong`, OVERLOADED; TooManyFailures
   */
  async guarded<T>(name: string, address: string, check: () => Promise<T | undefined>, wrong: Code = 'CREDENTIALS_WRONG'): Promise<T> {
    try {
      this.#assertAllowed(name, address);
      return await this.#hashing.run(async () => {
        // Again: others from there may have failed while this one waited.
        this.#assertAllowed(name, address);
        const found = await check();
        if (found === undefined) {
          this.#guesses.failed(address, name, Date.now());
          throw new AirtightError(wrong, 'name or secret');
        }
        this.#guesses.succeeded(address, name);
        return found;
      });
    } catch (error) {
      if (error instanceof AirtightError) this.refused(error.code, name, address);
      throw error;
    }
  }

  /** Counts and logs a refused login. */
  refused(code: Code, user: string | undefined, address: string): void {
    this.#options.metrics.refusedLogins.inc({ code });
    this.#log.log('info', { code, user: user?.slice(0, NAME_MAX_LENGTH), address }, 'login refused');
  }

  #assertAllowed(name: string, address: string): void {
    const waitMs = this.#guesses.waitMs(address, name, Date.now());
    if (waitMs > 0) throw new TooManyFailures(waitMs);
  }
}
