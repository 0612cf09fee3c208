/** Tiles of a log: paths and widths, c2sp.org/tlog-tiles. */

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

export interface TileCoordinates {
  /** 0 holds leaf hashes; each level above, the roots of the full tiles below. */
  readonly level: number;
  readonly index: number;
  /** 1 to 256 hashes; below 256 the tile is partial. */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`; a width of 256, or none, is the full tile. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > 63) throw new RangeError(`no tile level ${level}`);
  return `tile/${level}/${placePath(index, width)}`;
}

/** `tile/entries/<N>[.p/<W>]`. */
export function entryBundlePath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${placePath(index, width)}`;
}

/** N in groups of three digits, all but the last with an `x`, so that no file has the name of a folder. */
function placePath(index: number, width: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`no tile index ${index}`);
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new RangeError(`no tile width ${width}`);
  const digits = String(index);
  const groups = (digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) as string[]).map((group) => `x${group}`);
  const path = groups.join('/').replace(/x(?=[0-9]{3}$)/, '');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

/** Hashes on a level of a log of this size: the full subtrees of 256^level leaves. */
export function hashesOnLevel(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Width of a tile in a log of this size; 0 when it does not exist. */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesOnLevel(level, size) - index * TILE_WIDTH));
}

/** Every tile of a log of this size, level by level from 0. Entry bundles are as wide as the tiles of level 0. */
export function* tilesForSize(size: number): Generator<TileCoordinates> {
  for (let level = 0; hashesOnLevel(level, size) > 0; level++) {
    for (let index = 0; tileWidth(level, index, size) > 0; index++) yield { level, index, width: tileWidth(level, index, size) };
  }
}

/** The last tile of each level of a log of this size, from level 0: what a new entry changes. */
export function rightEdgeTiles(size: number): TileCoordinates[] {
  const edge: TileCoordinates[] = [];
  for (let level = 0; hashesOnLevel(level, size) > 0; level++) {
    const index = Math.ceil(hashesOnLevel(level, size) / TILE_WIDTH) - 1;
    edge.push({ level, index, width: tileWidth(level, index, size) });
  }
  return edge;
}
