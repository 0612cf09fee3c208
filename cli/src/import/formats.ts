/** All formats of files that are read, and which one a file has. */
import { BERLINGER_TEXT } from './berlinger-text.ts';
import { CNEMC_CSV } from './cnemc-csv.ts';
import { ELITECH_XLS } from './elitech-xls.ts';
import type { FileFormat } from './file-format.ts';
import { shippedMappings } from './mapping.ts';
import { UCI_CSV } from './uci-csv.ts';

export function knownFormats(): readonly FileFormat[] {
  return [UCI_CSV, CNEMC_CSV, BERLINGER_TEXT, ELITECH_XLS, ...shippedMappings()];
}

/** The first lines of a text; what is no UTF-8 there makes no difference to what a header says. */
function firstLines(head: Buffer): string[] {
  return head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .slice(0, 10);
}

/** @param head the first bytes of the file, decompressed */
export function formatOf(head: Buffer, formats: readonly FileFormat[]): FileFormat | undefined {
  const lines = firstLines(head);
  return formats.find((format) => (format.kind === 'text' ? format.recognises(lines) : format.recognises(head)));
}
