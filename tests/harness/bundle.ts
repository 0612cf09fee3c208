/** Proof bundles, damaged with care. */

/** The bundle with one digit of the record's payload changed: still a well-formed bundle, of something nobody sent. */
export function changeRecordDigit(text: string): string {
  const bundle = JSON.parse(text) as { record: string };
  const record = Buffer.from(bundle.record, 'base64');
  const payloadAt = record.indexOf(0x0a) + 1;
  const at = record.findIndex((byte, index) => index > payloadAt && byte >= 0x30 && byte <= 0x39);
  if (at < 0) throw new Error('the payload has no digit');
  record[at] = 0x30 + (((record[at] ?? 0) - 0x30 + 1) % 10);
  return `${JSON.stringify({ ...bundle, record: record.toString('base64') }, null, 2)}\n`;
}

/**
 * An evidence file with one digit changed in the payload of the nth reading of its proofs.
 * @returns the file, and the journal position of the record
 */
export function changeSetRecordDigit(html: string, nth: number): { readonly html: string; readonly position: number } {
  const place = [...html.matchAll(/"position":(\d+),"leafHash":"[^"]+","record":"([^"]+)"/g)].filter(
    ([, , record]) => !Buffer.from(record ?? '', 'base64').includes('"dataset":"sys.'),
  )[nth];
  const [, position, record] = place ?? [];
  if (position === undefined || record === undefined) throw new Error(`there are no ${nth + 1} readings in the file`);
  const changed = JSON.parse(changeRecordDigit(JSON.stringify({ record }))) as { record: string };
  return { html: html.replace(record, () => changed.record), position: Number(position) };
}
