/** Bytes in answers of our own services. */
import { AirtightError } from '@airtight/protocol';
import { decodeBase64 } from '@airtight/tlog';

/** @throws AirtightError SERVICE_UNAVAILABLE */
export function fromBase64(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === null) throw new AirtightError('SERVICE_UNAVAILABLE', 'an own service answered no base64');
  return bytes;
}
