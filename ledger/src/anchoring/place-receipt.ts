/** Receipts that say where a checkpoint stands: canonical JSON (keys in order, no spaces) and a newline. */
import type { AnchorTarget } from './anchor-sink.ts';

export type Place = { readonly [key: string]: string | number };

/** @param place where it stands, in keys that do not collide */
export function formatPlace({ origin, size, imprint }: AnchorTarget, place: Place): Uint8Array {
  const fields: Place = { ...place, origin, sha256: Buffer.from(imprint).toString('hex'), size };
  const ordered = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(`${JSON.stringify(ordered)}\n`);
}

/** @throws when the receipt is not for this checkpoint */
export function readPlace(receipt: Uint8Array, { origin, size, imprint }: AnchorTarget): Place {
  const place = JSON.parse(Buffer.from(receipt).toString()) as Place;
  const isOf = place['origin'] === origin && place['size'] === size && place['sha256'] === Buffer.from(imprint).toString('hex');
  if (!isOf) throw new Error('ANCHOR_RECEIPT_INVALID: the receipt is for another checkpoint');
  return place;
}
