/**
 * Streams of an OLE2 compound file ([MS-CFB]), the container of `.xls`. Read-only, from memory, every length and chain
 * bounded by the file itself.
 */
import { FileBroken } from './file-format.ts';

export const COMPOUND_FILE_MAGIC = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const HEADER_BYTES = 512;
/** [MS-CFB] §2.1: special sector numbers begin here (DIFSECT, FATSECT, ENDOFCHAIN, FREESECT). */
const REGULAR_SECTOR_MAX = 0xfffffffa;
/** [MS-CFB] §2.2: so many sectors of the FAT stand in the header. */
const HEADER_DIFAT_ENTRIES = 109;
const DIRECTORY_ENTRY_BYTES = 128;
const STREAM_OBJECT = 2;
const ROOT_OBJECT = 5;

/**
 * @param names the first one that is there is answered, e.g. `Workbook`, `Book`
 * @throws FileBroken when the container is not whole, or holds none of the streams
 */
export function streamOf(file: Buffer, names: readonly string[]): Buffer {
  return new CompoundFile(file).stream(names);
}

class CompoundFile {
  readonly #file: Buffer;
  readonly #sectorBytes: number;
  readonly #fat: number[] = [];

  constructor(file: Buffer) {
    if (file.length < HEADER_BYTES || !file.subarray(0, 8).equals(COMPOUND_FILE_MAGIC)) throw broken('it is no compound file');
    this.#file = file;
    const shift = file.readUInt16LE(30);
    // §2.2: 512 bytes in version 3, 4,096 in version 4.
    if (shift !== 9 && shift !== 12) throw broken(`sector shift ${shift}`);
    this.#sectorBytes = 1 << shift;
    this.#readFat();
  }

  stream(names: readonly string[]): Buffer {
    const directory = this.#chain(this.#file.readUInt32LE(48), undefined);
    const entries = new Map<string, Buffer>();
    let root: Buffer | undefined;
    for (let at = 0; at + DIRECTORY_ENTRY_BYTES <= directory.length; at += DIRECTORY_ENTRY_BYTES) {
      const entry = directory.subarray(at, at + DIRECTORY_ENTRY_BYTES);
      const nameBytes = Math.min(64, entry.readUInt16LE(64));
      if (entry[66] === STREAM_OBJECT) entries.set(entry.toString('utf16le', 0, Math.max(0, nameBytes - 2)), entry);
      if (entry[66] === ROOT_OBJECT) root = entry;
    }
    const found = names.map((name) => entries.get(name)).find((entry) => entry !== undefined);
    if (found === undefined || root === undefined) throw broken(`there is no stream ${names.join(' or ')}`);
    const [start, sizeBytes] = [found.readUInt32LE(116), found.readUInt32LE(120)];
    const isMini = sizeBytes < this.#file.readUInt32LE(56);
    return isMini ? this.#mini(root, start, sizeBytes) : this.#chain(start, sizeBytes);
  }

  /** §2.5: the sector numbers of the FAT are the DIFAT: 109 in the header, the rest in a chain of its own. */
  #readFat(): void {
    const sectors: number[] = [];
    for (let i = 0; i < HEADER_DIFAT_ENTRIES; i++) sectors.push(this.#file.readUInt32LE(76 + 4 * i));
    let next = this.#file.readUInt32LE(68);
    for (let count = 0; next < REGULAR_SECTOR_MAX; count++) {
      if (count > this.#file.length / this.#sectorBytes) throw broken('the list of allocation tables runs in a circle');
      const sector = this.#sector(next);
      for (let at = 0; at < sector.length - 4; at += 4) sectors.push(sector.readUInt32LE(at));
      next = sector.readUInt32LE(sector.length - 4);
    }
    for (const number of sectors) {
      if (number >= REGULAR_SECTOR_MAX) continue;
      const sector = this.#sector(number);
      for (let at = 0; at < sector.length; at += 4) this.#fat.push(sector.readUInt32LE(at));
    }
  }

  #sector(number: number): Buffer {
    // §2.2: the header takes the place of the first sector.
    const at = (number + 1) * this.#sectorBytes;
    if (at + this.#sectorBytes > this.#file.length) {
      if (at >= this.#file.length) throw broken(`sector ${number} lies beyond the end`);
      return Buffer.concat([this.#file.subarray(at)], this.#sectorBytes);
    }
    return this.#file.subarray(at, at + this.#sectorBytes);
  }

  /** The sectors of a chain, cut to its size. */
  #chain(start: number, sizeBytes: number | undefined): Buffer {
    const sectors: Buffer[] = [];
    for (let next = start; next < REGULAR_SECTOR_MAX; next = this.#fat[next] ?? REGULAR_SECTOR_MAX) {
      if (sectors.length > this.#fat.length) throw broken('a chain of sectors runs in a circle');
      sectors.push(this.#sector(next));
    }
    const bytes = Buffer.concat(sectors);
    if (sizeBytes !== undefined && bytes.length < sizeBytes) throw broken(`a stream has ${bytes.length} of ${sizeBytes} bytes`);
    return sizeBytes === undefined ? bytes : bytes.subarray(0, sizeBytes);
  }

  /** §2.4: small streams lie in sectors of 64 bytes within the stream of the root entry. */
  #mini(root: Buffer, start: number, sizeBytes: number): Buffer {
    const container = this.#chain(root.readUInt32LE(116), undefined);
    const miniFat = this.#chain(this.#file.readUInt32LE(60), undefined);
    const miniBytes = 64;
    const pieces: Buffer[] = [];
    for (let next = start; next < REGULAR_SECTOR_MAX; ) {
      if (pieces.length > miniFat.length / 4) throw broken('a chain of small sectors runs in a circle');
      pieces.push(container.subarray(next * miniBytes, (next + 1) * miniBytes));
      next = 4 * next + 4 <= miniFat.length ? miniFat.readUInt32LE(4 * next) : REGULAR_SECTOR_MAX;
    }
    const bytes = Buffer.concat(pieces);
    if (bytes.length < sizeBytes) throw broken(`a stream has ${bytes.length} of ${sizeBytes} bytes`);
    return bytes.subarray(0, sizeBytes);
  }
}

function broken(detail: string): FileBroken {
  return new FileBroken('FILE_BROKEN', 0, detail);
}
