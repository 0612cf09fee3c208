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
