/** Where to flip a bit in a file of a data directory: at the least one place in each class of its bytes. */
import { ARCHIVE_CHECK_BYTES, FRAME_HEADER_BYTES, readArchiveTable } from '@airtight/protocol';

export interface Place {
  /** What stands there: length, checksum, payload … */
  readonly byteClass: string;
  readonly offset: number;
}

export type PlacesIn = (bytes: Buffer) => readonly Place[];

const HASH_BYTES = 32;
/** c2sp.org/signed-note: em dash, space, name of the key. */
const SIGNATURE_LINE = Buffer.from('— ');

/** First, one in the middle, last of a list; fewer when there are fewer. */
function spread<T>(all: readonly T[]): T[] {
  return [...new Set([0, Math.floor(all.length / 2), all.length - 1])].flatMap((i) => (all[i] === undefined ? [] : [all[i]]));
}

/** Frames of a journal segment: header, first byte, the rest. */
export const inFrames: PlacesIn = (bytes) => {
  const frames: number[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_HEADER_BYTES + bytes.readUInt32LE(at)) frames.push(at);
  return spread(frames).flatMap((at) => {
    const length = bytes.readUInt32LE(at);
    const body = at + FRAME_HEADER_BYTES;
    return [
      { byteClass: 'length', offset: at },
      { byteClass: 'length, highest byte', offset: at + 3 },
      { byteClass: 'checksum', offset: at + 5 },
      { byteClass: 'leaf prefix', offset: body },
      { byteClass: 'header', offset: body + Math.min(9, length - 1) },
      { byteClass: 'payload', offset: body + length - 1 },
    ];
  });
};

/** A compressed segment: blocks, their magic numbers and checksums, our check, the seek table. */
export const inArchive: PlacesIn = (bytes) => {
  const frames = readArchiveTable(bytes.length, (offset, length) => bytes.subarray(offset, offset + length)) ?? [];
  let end = 0;
  const blocks = frames.flatMap(({ compressedBytes }) => {
    const at = end;
    end += compressedBytes;
    return [
      { byteClass: 'magic number of a block', offset: at },
      { byteClass: 'header of a block', offset: at + 4 },
      { byteClass: 'compressed data', offset: at + Math.floor(compressedBytes / 2) },
      { byteClass: 'checksum of a block', offset: end - 1 },
    ];
  });
  return [
    ...blocks,
    { byteClass: 'magic number of the check', offset: end },
    { byteClass: 'length of the check', offset: end + 4 },
    { byteClass: 'checksum of the file', offset: end + 8 },
    { byteClass: 'seek table', offset: end + ARCHIVE_CHECK_BYTES + 9 },
    { byteClass: 'footer', offset: bytes.length - 1 },
  ];
};

/** Pairs of u32le: offset and fingerprint. */
export const inIndex: PlacesIn = (bytes) =>
  spread(Array.from({ length: bytes.length / 8 }, (_, i) => i * 8)).flatMap((at) => [
    { byteClass: 'offset', offset: at },
    { byteClass: 'fingerprint', offset: at + 7 },
  ]);

/** Hashes back to back. */
export const inTile: PlacesIn = (bytes) =>
  spread(Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => i * HASH_BYTES)).flatMap((at) => [
    { byteClass: 'hash, first byte', offset: at },
    { byteClass: 'hash, last byte', offset: at + HASH_BYTES - 1 },
  ]);

/** (u16 length ‖ entry)*. */
export const inBundle: PlacesIn = (bytes) => {
  const entries: number[] = [];
  for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) entries.push(at);
  return spread(entries).flatMap((at) => [
    { byteClass: 'length', offset: at },
    { byteClass: 'length, low byte', offset: at + 1 },
    { byteClass: 'entry', offset: at + 2 + Math.floor(bytes.readUInt16BE(at) / 2) },
    { byteClass: 'entry, last byte', offset: at + 1 + bytes.readUInt16BE(at) },
  ]);
};

/** Signed notes, keys and other texts of a few lines: first and middle byte of each, and the line ends. */
export const inLines: PlacesIn = (bytes) => {
  const places: Place[] = [];
  let line = 1;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, at);
    const stop = end < 0 ? bytes.length : end;
    if (stop > at)
      places.push({ byteClass: `line ${line}`, offset: at }, { byteClass: `middle of line ${line}`, offset: (at + stop) >> 1 });
    if (stop - 1 > at) places.push({ byteClass: `last byte of line ${line}`, offset: stop - 1 });
    if (bytes.indexOf(SIGNATURE_LINE, at) === at) places.push({ byteClass: `name in line ${line}`, offset: at + SIGNATURE_LINE.length });
    if (end >= 0) places.push({ byteClass: `end of line ${line}`, offset: end });
    at = stop + 1;
  }
  return places;
};

/** Anywhere, evenly: for a format that is not ours. @param step bytes between two places */
export const inSteps =
  (step: number): PlacesIn =>
  (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => ({ byteClass: 'any', offset: i * step }));
