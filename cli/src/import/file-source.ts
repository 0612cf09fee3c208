/**
 * A file as its content: decompressed when it is gzip, read piece by piece, and given to the reader of its format. Where
 * it breaks off, what came before is given, and the place is said.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { pipeline as finished } from 'node:stream/promises';
import { constants, createGunzip, type Gunzip, gunzipSync } from 'node:zlib';
import { FileBroken, type FileFormat, type FormatOptions, type LineReader, type ReadingSink } from './file-format.ts';

/** Enough for a header of 10,000 columns. */
const HEAD_BYTES = 64 * 1024;
/** Read and decompressed at a time. */
const PIECE_BYTES = 256 * 1024;
const GZIP_MAGIC = 0x1f8b;
/** A line of a national network is some 10 kB. */
const LINE_MAX_CHARS = 4 * 1024 * 1024;
/** Formats that are read whole: a logger's workbook is some 2 MB. */
const BINARY_MAX_BYTES = 64 * 1024 * 1024;

export interface FileHead {
  readonly path: string;
  /** Without its folder. */
  readonly name: string;
  /** Name without folder and endings. */
  readonly stem: string;
  readonly sizeBytes: number;
  /** First bytes of the content. */
  readonly head: Buffer;
  readonly isGzip: boolean;
  /** A compressed file that ends before its content does. */
  readonly isCut: boolean;
}

/** @throws the system's error when the file cannot be read; FileBroken when it is gzip and damaged */
export async function openFile(path: string): Promise<FileHead> {
  const sizeBytes = statSync(path).size;
  const raw = Buffer.alloc(Math.min(HEAD_BYTES, sizeBytes));
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, raw, 0, raw.length, 0);
  } finally {
    closeSync(descriptor);
  }
  const name = basename(path);
  const stem = name.replace(/\.gz$/i, '').replace(/\.[A-Za-z0-9]{1,5}$/, '');
  const isGzip = raw.length > 2 && raw.readUInt16BE(0) === GZIP_MAGIC;
  return { path, name, stem, sizeBytes, isGzip, isCut: isGzip && (await isGzipCut(path)), head: isGzip ? unzippedHead(raw) : raw };
}

function unzippedHead(raw: Buffer): Buffer {
  try {
    return gunzipSync(raw, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 64 * HEAD_BYTES }).subarray(0, HEAD_BYTES);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Told between pieces: when it returns a promise, reading waits for it. */
export type OnPiece = (readBytes: number) => Promise<void> | undefined;

/**
 * Gives the whole file to its format's reader.
 * @param onPiece called after each piece, with how many bytes of the file have been read
 * @returns lower-case hex SHA-256 of the file as it lies on the disk
 * @throws FileBroken
 */
export async function readWith(
  file: FileHead,
  format: FileFormat,
  options: FormatOptions,
  sink: ReadingSink,
  onPiece: OnPiece,
): Promise<string> {
  const digest = createHash('sha256');
  let readBytes = 0;
  const raw = createReadStream(file.path, { highWaterMark: PIECE_BYTES });
  raw.on('data', (piece) => {
    digest.update(piece);
    readBytes += piece.length;
  });
  // SYNC_FLUSH: of a file that breaks off everything that is there comes out.
  const gunzip = (): Gunzip => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: PIECE_BYTES });
  const content = file.isGzip ? pipeline(raw, gunzip(), () => undefined) : raw;
  const text = format.kind === 'text' ? new TextFeeder(format.open(options, sink), format.encoding ?? 'utf-8', sink) : undefined;
  const whole: Buffer[] = [];
  let wholeBytes = 0;
  for await (const piece of content as AsyncIterable<Buffer>) {
    text?.push(piece);
    if (text === undefined) whole.push(piece);
    wholeBytes += piece.length;
    if (text === undefined && wholeBytes > BINARY_MAX_BYTES) throw new FileBroken('FILE_BROKEN', 0, `more than ${BINARY_MAX_BYTES} bytes`);
    await onPiece(readBytes);
  }
  text?.end(file.isCut);
  if (format.kind === 'binary') {
    if (file.isCut) throw new FileBroken('FILE_BROKEN', 0, 'the compressed file breaks off');
    format.read(Buffer.concat(whole), options, sink);
  }
  await onPiece(readBytes);
  return digest.digest('hex');
}

/** @returns whether the file ends before its content does @throws FileBroken for any other damage: a checksum, a code */
async function isGzipCut(path: string): Promise<boolean> {
  try {
    await finished(createReadStream(path), createGunzip({ chunkSize: PIECE_BYTES }), async (pieces: AsyncIterable<Buffer>) => {
      for await (const _ of pieces);
    });
    return false;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    // zlib says so when the input ends before the stream does.
    if (error.code === 'Z_BUF_ERROR') return true;
    throw new FileBroken('FILE_BROKEN', 0, `gzip: ${error.message}`);
  }
}

/** Cuts a text into lines and gives them to its reader. */
export class TextFeeder {
  readonly #reader: LineReader;
  readonly #sink: ReadingSink;
  readonly #decoder: TextDecoder;
  /** What stands after the last line end. */
  #rest = '';
  #isTruncated = false;
  /** Lines given so far. */
  line = 0;

  constructor(reader: LineReader, encoding: string, sink: ReadingSink) {
    this.#reader = reader;
    this.#sink = sink;
    this.#decoder = new TextDecoder(encoding, { fatal: true });
  }

  /** @throws FileBroken */
  push(piece: Buffer): void {
    const text = this.#rest + this.#decode(piece, true);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#give(text.slice(from, end));
      from = end + 1;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length > LINE_MAX_CHARS)
      throw new FileBroken('FILE_BROKEN', this.line + 1, `a line of more than ${LINE_MAX_CHARS} characters`);
  }

  /** @param isCut the bytes are known to break off @throws FileBroken */
  end(isCut: boolean): void {
    // Half a character at the very end is where the file was cut.
    const tail = isCut ? '' : this.#decode(undefined, false);
    const last = this.#rest + tail;
    if (isCut) this.#sink.fault(this.line + 1, 'FILE_TRUNCATED', 'the compressed file breaks off here');
    // Many programs write no line end after the last line: it counts when it can be read.
    else if (last !== '') this.#give(last, true);
    this.#reader.end(isCut || this.#isTruncated);
  }

  #give(text: string, isLast = false): void {
    this.line++;
    if (text.includes('\0')) throw new FileBroken('FILE_BROKEN', this.line, 'a zero byte: it is no text');
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (!isLast) return this.#reader.line(line, this.line);
    this.#isTruncated = this.#sink.lastLine(() => this.#reader.line(line, this.line));
  }

  #decode(piece: Buffer | undefined, stream: boolean): string {
    try {
      return this.#decoder.decode(piece, { stream });
    } catch {
      throw new FileBroken('FILE_BROKEN', this.line + 1, `the text is not ${this.#decoder.encoding}`);
    }
  }
}

function isZlibError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && /^Z_/.test(String((error as NodeJS.ErrnoException).code));
}
