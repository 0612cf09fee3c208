/** The time-stamping authorities that an installation trusts: `keys/tsa-roots.pem`. */
import { existsSync, readFileSync } from 'node:fs';
import type { DataDirectory } from '../data-directory.ts';

/** DER of the roots; none when there is no such file, or it cannot be read. */
export async function tsaRootsOf({ tsaRootsFile }: DataDirectory): Promise<readonly Uint8Array[]> {
  const { certificatesIn } = await import('@airtight/ledger');
  try {
    return existsSync(tsaRootsFile) ? certificatesIn(readFileSync(tsaRootsFile, 'utf8')) : [];
  } catch {
    // The keys have a stage of the audit of their own, which names the file.
    return [];
  }
}
