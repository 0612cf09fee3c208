/**
 * Durable, all-or-nothing files under one directory. A file is written under `.state/new/`, synced, renamed into its
 * place, and the directory of that place is synced: nobody ever reads half a file, and what was written survives a
 * power cut. The syncs of one call run side by side, so that the file system can join them.
 */
import { dirname, join } from 'node:path';
import type { FileSystem, OpenDirectory } from './file-system.ts';

export interface LedgerFile {
  /** Relative to the ledger's directory, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Files whose contents are on their way to the disk, under names that nobody reads. One of the two ends it. */
export interface BegunFiles {
  /** Resolves when the files are durable and in their places. */
  publish(): Promise<void>;
  /** Resolves when nothing of them is left. */
  discard(): Promise<void>;
}

/** What is no part of the published log; never served. */
export const STATE_DIRECTORY = '.state';
const NEW_DIRECTORY = `${STATE_DIRECTORY}/new`;

export class DurableFiles {
  readonly #fs: FileSystem;
  readonly #root: string;
  /** Directories known to exist durably, so that they are made and synced once. */
  readonly #directories = new Set<string>();
  #created = 0;

  /** @param root directory of the ledger; its parent must exist */
  constructor(fs: FileSystem, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /** Makes the directories and removes files that a crash left unfinished. */
  async prepare(): Promise<void> {
    await this.#fs.remove(this.#place(NEW_DIRECTORY));
    await this.#ensureDirectory('.');
    await this.#ensureDirectory(STATE_DIRECTORY);
    await this.#ensureDirectory(NEW_DIRECTORY);
  }

  read(path: string): Promise<Uint8Array | null> {
    return this.#fs.read(this.#place(path));
  }

  /** Names in a directory; none when it is not there. */
  list(path: string): Promise<readonly string[]> {
    return this.#fs.list(this.#place(path));
  }

  /**
   * Writes `files`, and when all of them are durable replaces `last`, if given: whoever sees `last` finds the others.
   * `last` itself may fall back to its former content in a power cut.
   */
  write(files: readonly LedgerFile[], last?: LedgerFile): Promise<void> {
    return this.begin(files, last).publish();
  }

  /** Begins to write as `write` does, without anything to be seen; other work may go on beside the syncs. */
  begin(files: readonly LedgerFile[], last?: LedgerFile): BegunFiles {
    const opening = this.#openFolders([...new Set(files.map(({ path }) => dirname(path)))]);
    const writing = [...files, ...(last === undefined ? [] : [last])].map((file) => this.#writeNew(file));
    // Errors are the business of whoever publishes or discards.
    for (const begun of [opening, ...writing]) begun.catch(() => undefined);
    return {
      publish: async () => {
        const opened = await opening;
        try {
          const written = await Promise.all(writing);
          for (const [at, file] of files.entries()) await this.#fs.rename(written[at] as string, this.#place(file.path));
          await Promise.all(opened.map((folder) => folder.sync()));
          if (last !== undefined) await this.#fs.replace(written[files.length] as string, this.#place(last.path));
        } finally {
          await Promise.all(opened.map((folder) => folder.close()));
        }
      },
      discard: async () => {
        const [opened, ...written] = await Promise.allSettled([opening, ...writing]);
        if (opened.status === 'fulfilled') await Promise.all(opened.value.map((folder) => folder.close()));
        for (const file of written) if (file.status === 'fulfilled') await this.#fs.remove(file.value);
      },
    };
  }

  removeDirectory(path: string): Promise<void> {
    this.#directories.delete(path);
    return this.#fs.remove(this.#place(path));
  }

  /** Where a file of the ledger lies. */
  #place(path: string): string {
    return join(this.#root, path);
  }

  /** Resolves with the place of the new file once its content is durable. */
  async #writeNew({ bytes }: LedgerFile): Promise<string> {
    const place = this.#place(`${NEW_DIRECTORY}/${this.#created++}`);
    const file = await this.#fs.create(place);
    try {
      let rest = bytes;
      while (rest.length > 0) rest = rest.subarray(await file.write(rest));
      await file.sync();
    } finally {
      await file.close();
    }
    return place;
  }

  async #openFolders(paths: readonly string[]): Promise<OpenDirectory[]> {
    for (const path of paths) await this.#ensureDirectory(path);
    return Promise.all(paths.map((path) => this.#fs.openDirectory(this.#place(path))));
  }

  async #ensureDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return;
    if (path !== '.') await this.#ensureDirectory(dirname(path));
    const parent = await this.#fs.openDirectory(dirname(this.#place(path)));
    try {
      await this.#fs.makeDirectory(this.#place(path));
      // Also when it was there: a crash may have come between making and syncing.
      await parent.sync();
    } finally {
      await parent.close();
    }
    this.#directories.add(path);
  }
}
