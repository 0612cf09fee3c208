/** The few file operations that the ledger's durability rests on, as an interface: tests put faults between any two. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';

export interface OpenFile {
  /** Appends; may take fewer bytes than given. Resolves with how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** fsync. After a failure nothing is known about the file: the caller must give up, not try again. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** The whole file; null when it is not there. */
  read(path: string): Promise<Uint8Array | null>;
  /** Names in a directory, in no order; none when it is not there. */
  list(path: string): Promise<readonly string[]>;
  /** A new empty file; rejects when there is one. */
  create(path: string): Promise<OpenFile>;
  /** Replaces what is at `to`. Durable once the directory of `to` is synced. */
  rename(from: string, to: string): Promise<void>;
  /** A directory to be synced, opened before it is changed, so that a failed write-back in between is reported. */
  openDirectory(path: string): Promise<Pick<OpenFile, 'sync' | 'close'>>;
  /** Resolves with false when it is there already. The parent must exist. */
  makeDirectory(path: string): Promise<boolean>;
  /** With all that is in it; nothing happens when it is not there. Not synced: what comes back is removed again. */
  removeDirectory(path: string): Promise<void>;
}

/** Evidence is public; only the keys are secret. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

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
    const file = await open(path, 'wx', FILE_MODE);
    return {
      write: async (bytes) => (await file.write(bytes)).bytesWritten,
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename,
  async openDirectory(path) {
    const directory = await open(path, 'r');
    return { sync: () => directory.sync(), close: () => directory.close() };
  },
  async makeDirectory(path) {
    try {
      await mkdir(path, DIRECTORY_MODE);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  },
  removeDirectory: (path) => rm(path, { recursive: true, force: true }),
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
