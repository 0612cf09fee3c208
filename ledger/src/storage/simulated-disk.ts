/**
 * A disk for tests: keeps apart what was written and what was synced, counts operations, and fails or stops where told.
 * After a power cut only synced content and synced directory entries are sure; anything else may be there or not.
 */
import { basename, dirname } from 'node:path';
import type { FileSystem, OpenDirectory, OpenFile } from './file-system.ts';

interface FileNode {
  content: Uint8Array;
  synced: Uint8Array;
}
interface DirectoryNode {
  entries: Map<string, Node>;
  synced: Map<string, Node>;
}
type Node = FileNode | DirectoryNode;

export interface Fault {
  /** Number of the operation it strikes, from 0. */
  readonly operation: number;
  /** `stop`: this and every later operation fails, as when the power goes; `short`: a write takes half of its bytes. */
  readonly kind: 'stop' | 'EIO' | 'ENOSPC' | 'short';
}

/** What becomes of unsynced changes: none survives, all do, or each as `chance` says. */
export type Survival = 'none' | 'all' | ((chance: number) => boolean);

export class SimulatedDisk implements FileSystem {
  readonly #root: DirectoryNode;
  #operations = 0;
  fault: Fault | undefined;

  constructor(root: DirectoryNode = { entries: new Map(), synced: new Map() }) {
    this.#root = root;
  }

  /** Operations so far; each may be struck by a fault. */
  get operations(): number {
    return this.#operations;
  }

  /** The disk after a power cut. This one stays as it is. */
  afterPowerCut(survival: Survival): SimulatedDisk {
    const survives = typeof survival === 'function' ? () => survival(0.5) : () => survival === 'all';
    const copies = new Map<Node, Node>();
    const copy = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (isFile(node)) {
        const content = survives() ? node.content : node.synced;
        const file = { content, synced: content };
        copies.set(node, file);
        return file;
      }
      const entries = new Map<string, Node>();
      const directory = { entries, synced: entries };
      copies.set(node, directory);
      for (const name of new Set([...node.synced.keys(), ...node.entries.keys()])) {
        const isSame = node.synced.get(name) === node.entries.get(name);
        const kept = isSame || survives() ? node.entries.get(name) : node.synced.get(name);
        if (kept !== undefined) entries.set(name, copy(kept));
      }
      directory.synced = new Map(entries);
      return directory;
    };
    return new SimulatedDisk(copy(this.#root) as DirectoryNode);
  }

  /** Changes one file behind everybody's back. */
  tamper(path: string, change: (bytes: Uint8Array) => Uint8Array | null): void {
    const directory = this.#directory(dirname(path));
    const changed = change(this.#file(path)?.content ?? new Uint8Array(0));
    if (changed === null) directory.entries.delete(basename(path));
    else directory.entries.set(basename(path), { content: changed, synced: changed });
  }

  /** One more operation; throws when a fault strikes. @returns true for a short write */
  step(): boolean {
    const at = this.#operations++;
    const { operation = Number.POSITIVE_INFINITY, kind } = this.fault ?? {};
    if (kind === 'stop' && at >= operation) throw new Error(`stopped at operation ${operation}`);
    if (at !== operation) return false;
    if (kind === 'EIO' || kind === 'ENOSPC') throw Object.assign(new Error(`${kind} at operation ${at}`), { code: kind });
    return kind === 'short';
  }

  async read(path: string): Promise<Uint8Array | null> {
    return this.#file(path)?.content ?? null;
  }

  async list(path: string): Promise<readonly string[]> {
    let names: readonly string[] = [];
    this.#node(path, (directory) => {
      names = [...directory.entries.keys()];
    });
    return names;
  }

  async create(path: string): Promise<OpenFile> {
    this.step();
    const directory = this.#directory(dirname(path));
    if (directory.entries.has(basename(path))) throw new Error(`${path} is there`);
    const file: FileNode = { content: new Uint8Array(0), synced: new Uint8Array(0) };
    directory.entries.set(basename(path), file);
    return {
      write: async (bytes) => {
        const taken = this.step() ? Math.ceil(bytes.length / 2) : bytes.length;
        file.content = Buffer.concat([file.content, bytes.subarray(0, taken)]);
        return taken;
      },
      sync: async () => {
        this.step();
        file.synced = file.content;
      },
      close: async () => undefined,
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.step();
    const source = this.#directory(dirname(from));
    const node = source.entries.get(basename(from));
    if (node === undefined) throw new Error(`${from} is not there`);
    this.#directory(dirname(to)).entries.set(basename(to), node);
    source.entries.delete(basename(from));
  }

  replace(from: string, to: string): Promise<void> {
    return this.rename(from, to);
  }

  async openDirectory(path: string): Promise<OpenDirectory> {
    const directory = this.#directory(path);
    return {
      sync: async () => {
        this.step();
        directory.synced = new Map(directory.entries);
      },
      close: async () => undefined,
    };
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.step();
    const parent = this.#directory(dirname(path));
    if (parent.entries.has(basename(path))) return false;
    parent.entries.set(basename(path), { entries: new Map(), synced: new Map() });
    return true;
  }

  async remove(path: string): Promise<void> {
    this.step();
    this.#node(dirname(path), (parent) => parent.entries.delete(basename(path)));
  }

  #file(path: string): FileNode | undefined {
    let found: FileNode | undefined;
    this.#node(dirname(path), (directory) => {
      const node = directory.entries.get(basename(path));
      if (node !== undefined && isFile(node)) found = node;
    });
    return found;
  }

  #directory(path: string): DirectoryNode {
    let found: DirectoryNode | undefined;
    this.#node(path, (directory) => {
      found = directory;
    });
    if (found === undefined) throw Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' });
    return found;
  }

  #node(path: string, use: (directory: DirectoryNode) => void): void {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
      node = node === undefined || isFile(node) ? undefined : node.entries.get(name);
    }
    if (node !== undefined && !isFile(node)) use(node);
  }
}

function isFile(node: Node): node is FileNode {
  return 'content' in node;
}
