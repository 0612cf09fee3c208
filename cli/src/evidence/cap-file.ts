/** Messages of a CAP feed under `airtight verify`. */
import { CODES } from '@airtight/protocol';
import { CAP_1_1_NAMESPACE, CAP_NAMESPACE, type CapAlert } from '@airtight/standards/cap.ts';
import { UsageError } from '../command.ts';
import type { Terminal } from '../terminal.ts';

/** Where the namespace of a CAP document stands, at the latest. */
const HEAD_LENGTH = 2000;

export function isCapFile(text: string): boolean {
  const head = text.slice(0, HEAD_LENGTH);
  return /^\s*</.test(head) && (head.includes(CAP_NAMESPACE) || head.includes(CAP_1_1_NAMESPACE));
}

/** The message alone proves nothing: says where its proof is. */
export function wantsProof({ info = [] }: CapAlert): UsageError {
  const uri = info.flatMap(({ resource = [] }) => resource.map((one) => one.uri)).find((one) => one !== undefined) ?? '';
  return new UsageError({
    zh: `请把该预警的证据包作为第二个文件给出${uri === '' ? '' : `，可从 ${uri} 下载`}`,
    en: `name the proof of this message as the second file${uri === '' ? '' : `; it is to be had from ${uri}`}`,
  });
}

/** @param differing elements that say something else than the record */
export function showCapDifferences(differing: readonly string[], terminal: Terminal): void {
  const mark = differing.length === 0 ? terminal.style('green', '✓') : terminal.style('red', '✗');
  terminal.say(`${mark} ${terminal.text({ zh: 'CAP 所述与记录一致', en: 'The CAP message says what the record says' })}`);
  if (differing.length > 0) terminal.say(`    CAP_MISMATCH ${terminal.text(CODES.CAP_MISMATCH)}: ${differing.join(', ')}`);
}
