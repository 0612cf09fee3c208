/** The few file operations that the ledger's durability rests on, as an interface: tests put faults between any two. */
import { close, closeSync, fsync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface OpenFile {
  /** Appends; may take fewer bytes than given. Resolves with how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** fsync. After a failure nothing is known about the file: the caller must give up, not try again. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export type OpenDirectory = Pick<OpenFile, 'sync' | 'close'>;

export interface FileSystem {
  /** The whole file; null when it is not there. */
  read(path: string): Promise<Uint8Array | null>;
  /** Names in a directory, in no order; none when it is not there. */
  list(path: string): Promise<readonly string[]>;
  /** A new empty file; rejects when there is one. */
  create(path: string): Promise<OpenFile>;
  /** Replaces what is at `to`. Durable once the directory of `to` is synced. */
  rename(from: string, to: string): Promise<void>;
  /** As rename, where there may be a file already. What it held is freed later: that takes a disk longer than the rest. */
  replace(from: string, to: string): Promise<void>;
  /** A directory to be synced, opened before it is changed, so that a failed write-back in between is reported. */
  openDirectory(path: string): Promise<OpenDirectory>;
  /** Resolves with false when it is there already. The parent must exist. */
  makeDirectory(path: string): Promise<boolean>;
  /** A file, or a directory with all in it; nothing happens when it is not there. Not synced: what comes back is removed again. */
  remove(path: string): Promise<void>;
}

/** Evidence is public; only the keys are secret. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

const sync = promisify(fsync);

/**
 * Only what waits for the disk goes through the thread pool. The other operations of a commit take some microseconds
 * each; every one that leaves the thread comes back behind all requests that have arrived meanwhile.
 */
export const nodeFileSystem: FileSystem = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  },
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  },
  async create(path) {
    const file = openSync(path, 'wx', FILE_MODE);
    return { write: async (bytes) => writeSync(file, bytes), sync: () => sync(file), close: async () => closeSync(file) };
  },
  rename: async (from, to) => renameSync(from, to),
  async replace(from, to) {
    // The last reference to a file frees its blocks, for milliseconds on some disks: it is given up in the thread pool.
    const replaced = openIfThere(to);
    renameSync(from, to);
    if (replaced !== undefined) close(replaced);
  },
  async openDirectory(path) {
    const directory = openSync(path, 'r');
    return { sync: () => sync(directory), close: async () => closeSync(directory) };
  },
  async makeDirectory(path) {
    try {
      mkdirSync(path, DIRECTORY_MODE);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
};

/** A file system that tells of every sync before it is made. */
export function watchSyncs(fs: FileSystem, onSync: () => void): FileSystem {
  const watched = <T extends Pick<OpenFile, 'sync'>>(file: T): T => ({
    ...file,
    sync: () => {
      onSync();
      return file.sync();
    },
  });
  return {
    ...fs,
    create: async (path) => watched(await fs.create(path)),
    openDirectory: async (path) => watched(await fs.openDirectory(path)),
  };
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
