/** Whether a device's own signature on a payload counts: known key, valid when it was received, right for its place. */
import { verify } from 'node:crypto';
import { type DeviceRecord, type DeviceSignature, isValidAt, type Refusal, refuse, signedMessage } from '@airtight/protocol';
import { keyObjectOf } from '../identity/ed25519-key.ts';
import type { RouteFields } from './record-route.ts';

/**
 * @param device whose record it will be
 * @param receivedAt epoch ms: the key must count then
 * @returns undefined when the payload may be taken; SIGNATURE_MISSING, SIGNATURE_INVALID
 */
export function signatureFault(
  device: DeviceRecord,
  route: RouteFields,
  payload: Buffer,
  signature: DeviceSignature | undefined,
  receivedAt: number,
): Refusal | undefined {
  if (signature === undefined) {
    return device.signatureRequired === true ? refuse('SIGNATURE_MISSING', `${device.producer} signs what it sends`) : undefined;
  }
  const { kid, sig } = signature;
  const key = device.credentials.find(({ id }) => id === kid);
  if (key?.kind !== 'signing-ed25519') return refuse('SIGNATURE_INVALID', `${device.producer} has no signing key ${kid}`);
  if (!isValidAt(key, receivedAt))
    return refuse('SIGNATURE_INVALID', `signing key ${kid} is not valid at ${new Date(receivedAt).toISOString()}`);
  const bytes = Buffer.from(sig, 'base64url');
  // One form for one signature: the last character holds four bits that count for nothing.
  const fits = bytes.toString('base64url') === sig && verify(null, signedMessage(route, payload), keyObjectOf(key), bytes);
  return fits ? undefined : refuse('SIGNATURE_INVALID', `not by signing key ${kid}`);
}
