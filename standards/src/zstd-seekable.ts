/**
 * Zstandard Seekable Format, version 0.1.0 (facebook/zstd, contrib/seekable_format): independent zstd frames one after
 * the other, and at the end of the file a seek table in a skippable frame (RFC 8878 §3.1.2), which a plain decoder
 * passes over. Pure: compressing and decompressing the frames is the caller's.
 */

/** Magic numbers, little-endian. */
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const SKIPPABLE_HEADER_BYTES = 8;
/** Without the optional checksum of each frame: its content checksum is in the frame itself (RFC 8878 §3.1.1). */
const ENTRY_BYTES = 8;
/** Number_Of_Frames, Seek_Table_Descriptor, Seekable_Magic_Number. */
export const SEEK_TABLE_FOOTER_BYTES = 9;
/** "the maximum number of frames" of the format: 2^27. */
const FRAMES_MAX = 0x8000000;

export interface SeekFrame {
  readonly compressedBytes: number;
  readonly decompressedBytes: number;
}

/** @returns the seek table, a whole skippable frame to stand at the end of the file */
export function formatSeekTable(frames: readonly SeekFrame[]): Uint8Array {
  const contentBytes = frames.length * ENTRY_BYTES + SEEK_TABLE_FOOTER_BYTES;
  const bytes = new Uint8Array(SKIPPABLE_HEADER_BYTES + contentBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SKIPPABLE_MAGIC, true);
  view.setUint32(4, contentBytes, true);
  for (const [i, { compressedBytes, decompressedBytes }] of frames.entries()) {
    view.setUint32(SKIPPABLE_HEADER_BYTES + i * ENTRY_BYTES, compressedBytes, true);
    view.setUint32(SKIPPABLE_HEADER_BYTES + i * ENTRY_BYTES + 4, decompressedBytes, true);
  }
  view.setUint32(bytes.length - SEEK_TABLE_FOOTER_BYTES, frames.length, true);
  view.setUint32(bytes.length - 4, SEEKABLE_MAGIC, true);
  return bytes;
}

/**
 * @param footer the last SEEK_TABLE_FOOTER_BYTES of the file
 * @returns bytes of the whole seek table frame that ends there; undefined when it is none that `formatSeekTable` makes
 */
export function seekTableBytes(footer: Uint8Array): number | undefined {
  if (footer.length !== SEEK_TABLE_FOOTER_BYTES) return undefined;
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  const frames = view.getUint32(0, true);
  const descriptor = view.getUint8(4);
  if (descriptor !== 0 || view.getUint32(5, true) !== SEEKABLE_MAGIC || frames > FRAMES_MAX) return undefined;
  return SKIPPABLE_HEADER_BYTES + frames * ENTRY_BYTES + SEEK_TABLE_FOOTER_BYTES;
}

/** @returns the frames of the file in order; undefined when the bytes are no seek table frame */
export function parseSeekTable(bytes: Uint8Array): SeekFrame[] | undefined {
  if (bytes.length < SKIPPABLE_HEADER_BYTES + SEEK_TABLE_FOOTER_BYTES) return undefined;
  if (seekTableBytes(bytes.subarray(bytes.length - SEEK_TABLE_FOOTER_BYTES)) !== bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== SKIPPABLE_MAGIC || view.getUint32(4, true) !== bytes.length - SKIPPABLE_HEADER_BYTES) return undefined;
  const frames: SeekFrame[] = [];
  for (let at = SKIPPABLE_HEADER_BYTES; at < bytes.length - SEEK_TABLE_FOOTER_BYTES; at += ENTRY_BYTES) {
    frames.push({ compressedBytes: view.getUint32(at, true), decompressedBytes: view.getUint32(at + 4, true) });
  }
  return frames;
}
