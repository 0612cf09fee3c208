/** One `airtight regions` runs the three; another one may ask it to let a region fork. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile } from '../data-directory.ts';
import { isRunning } from '../endpoints.ts';

/** What the command that runs the regions keeps while it runs. */
export interface RegionsOwner {
  readonly pid: number;
  readonly firstPort: number;
}

export function ownerFile(root: string): string {
  return join(root, 'regions.json');
}

/** The command that runs the regions of this folder, if there is one. */
export function readOwner(root: string): RegionsOwner | undefined {
  const owner = readJsonFile<RegionsOwner>(ownerFile(root));
  return owner !== undefined && Number.isSafeInteger(owner.pid) && isRunning(owner.pid, 'regions') ? owner : undefined;
}

export function orderFork(root: string, id: string): void {
  writeFileSync(orderFile(root), id);
}

/** @returns the region that is to fork, once */
export function takeForkOrder(root: string): string | undefined {
  const file = orderFile(root);
  if (!existsSync(file)) return undefined;
  const id = readFileSync(file, 'utf8').trim();
  rmSync(file);
  return id;
}

function orderFile(root: string): string {
  return join(root, 'fork-order');
}
