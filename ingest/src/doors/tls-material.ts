/**
 * Certificate, key and client CA of the TLS listeners, read from files, and read again when they change: a certificate is
 * renewed without a restart, and connections that stand are left alone.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { AirtightError } from '@airtight/protocol';
import type { Logger } from 'pino';

/** Files are looked at this often. Polling sees a renamed file and a swapped symbolic link too, as certificate tools and clusters make them. */
const WATCH_INTERVAL_MS = 5000;

export interface TlsFiles {
  /** Certificate chain, PEM. */
  readonly certFile: string;
  /** Its private key, PEM. */
  readonly keyFile: string;
  /** CA whose client certificates are taken, PEM; empty: none is asked for. */
  readonly clientCaFile: string;
}

export class TlsMaterial {
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  readonly #listeners: ((options: SecureContextOptions) => void)[] = [];
  #options: SecureContextOptions;
  readonly #onFileChange = (): void => this.reload();

  /** @throws AirtightError CONFIG_INVALID when a file cannot be read, or key and certificate do not fit */
  constructor(files: TlsFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
    this.#options = read(files);
    for (const path of this.#paths()) watchFile(path, { interval: WATCH_INTERVAL_MS, persistent: false }, this.#onFileChange);
  }

  get options(): SecureContextOptions {
    return this.#options;
  }

  get asksForClientCertificate(): boolean {
    return this.#files.clientCaFile !== '';
  }

  onChange(listener: (options: SecureContextOptions) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads the files again. What does not fit together leaves the old certificate in force, and is logged. */
  reload(): void {
    try {
      this.#options = read(this.#files);
    } catch (error) {
      this.#logger.error({ err: error }, 'TLS certificate not taken; the earlier one stays in force');
      return;
    }
    for (const listener of this.#listeners) listener(this.#options);
    this.#logger.info({ certFile: this.#files.certFile }, 'TLS certificate read again');
  }

  close(): void {
    for (const path of this.#paths()) unwatchFile(path, this.#onFileChange);
  }

  #paths(): string[] {
    return Object.values(this.#files).filter((path) => path !== '');
  }
}

function read({ certFile, keyFile, clientCaFile }: TlsFiles): SecureContextOptions {
  try {
    const options: SecureContextOptions = {
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      ...(clientCaFile === '' ? {} : { ca: readFileSync(clientCaFile) }),
      // RFC 8996: TLS 1.0 and 1.1 must not be used.
      minVersion: 'TLSv1.2',
    };
    // Throws where key and certificate do not belong together.
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new AirtightError('CONFIG_INVALID', `TLS certificate: ${(error as Error).message}`, { cause: error });
  }
}
