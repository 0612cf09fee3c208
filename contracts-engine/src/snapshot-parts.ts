/** A snapshot as JSON text, in parts. Nearly all of a large one is readings: these never change, so their text can be made later. */
import type { Reading } from './rule/series.ts';
import type { EngineSnapshot } from './snapshot.ts';

/** About 100 kB of text, made in a millisecond. */
const READINGS_IN_PART = 256;
/** Members that hold readings further in. */
const TAKEN_APART: ReadonlySet<string> = new Set(['contracts', 'rules', 'field', 'stations', 'forecasts', 'feeds']);

type Piece = string | readonly Reading[];

/** @param view may share what changes: it is of use until the first event after this call, the parts for as long as they are wanted */
export function snapshotParts(view: EngineSnapshot): Iterable<string> {
  const pieces: Piece[] = [];
  addMembers(pieces, view);
  return textOf(pieces);
}

function* textOf(pieces: readonly Piece[]): Iterable<string> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield piece;
    else
      for (let from = 0; from < piece.length; from += READINGS_IN_PART) {
        const text = JSON.stringify(piece.slice(from, from + READINGS_IN_PART)).slice(1, -1);
        yield from === 0 ? text : `,${text}`;
      }
  }
}

function addMembers(pieces: Piece[], object: object): void {
  let before = '{';
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (value === undefined) continue;
    addText(pieces, `${before}${JSON.stringify(key)}:`);
    addValue(pieces, key, value);
    before = ',';
  }
  addText(pieces, before === '{' ? '{}' : '}');
}

function addValue(pieces: Piece[], key: string, value: unknown): void {
  if (key === 'readings') {
    addText(pieces, '[');
    pieces.push([...(value as readonly Reading[])]);
    addText(pieces, ']');
  } else if (value === null || typeof value !== 'object' || !TAKEN_APART.has(key)) addText(pieces, JSON.stringify(value));
  else if (Array.isArray(value)) addElements(pieces, value as readonly object[]);
  else addMembers(pieces, value);
}

function addElements(pieces: Piece[], elements: readonly object[]): void {
  addText(pieces, '[');
  for (const [i, element] of elements.entries()) {
    if (i > 0) addText(pieces, ',');
    addMembers(pieces, element);
  }
  addText(pieces, ']');
}

function addText(pieces: Piece[], text: string): void {
  const last = pieces.at(-1);
  if (typeof last === 'string') pieces[pieces.length - 1] = last + text;
  else pieces.push(text);
}
