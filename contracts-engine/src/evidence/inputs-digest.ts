/** Which records evidence was made of: one that is taken out or put in is seen, whether or not it changes the alert. */
import { sha256Hex } from '@airtight/protocol';
import type { EvidenceRecord } from './replay-alert.ts';

export interface InputsDigest {
  readonly records: number;
  /** Lower-case hex SHA-256 over a line `<position> <lower-case hex SHA-256 of the record>\n` for each, ascending. */
  readonly sha256: string;
}

/** @param records in any order */
export function inputsDigest(records: readonly EvidenceRecord[]): InputsDigest {
  const ordered = [...records].sort((a, b) => a.position - b.position);
  const lines = ordered.map(({ position, record }) => `${position} ${sha256Hex(record)}\n`).join('');
  return { records: ordered.length, sha256: sha256Hex(new TextEncoder().encode(lines)) };
}
