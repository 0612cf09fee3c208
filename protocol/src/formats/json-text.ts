/** JSON texts from outside (RFC 8259), read within bounds. */
import { accept, type Outcome, refuse } from '../outcome.ts';

/** A reading nests 4 levels, an uplink of a network server some 6, GeoJSON 8. §9: "An implementation may set limits on the maximum depth of nesting." */
export const JSON_DEPTH_MAX = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** @returns the value; PAYLOAD_NOT_JSON, or PAYLOAD_SHAPE when it nests deeper than JSON_DEPTH_MAX */
export function parseJson(text: string): Outcome<unknown> {
  // Before it is parsed: whoever walks the value later recurses.
  if (nestsDeeper(text, JSON_DEPTH_MAX)) return refuse('PAYLOAD_SHAPE', `nested deeper than ${JSON_DEPTH_MAX} levels`);
  try {
    return accept(JSON.parse(text));
  } catch (error) {
    return refuse('PAYLOAD_NOT_JSON', error instanceof Error ? error.message : 'not JSON');
  }
}

/** Most texts have fewer brackets altogether, which is found out much faster. */
function nestsDeeper(text: string, max: number): boolean {
  let brackets = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > max) return countsDeeper(text, max);
    }
  }
  return false;
}

/** Counts brackets outside strings; in a text that is no JSON the count may be wrong, and JSON.parse refuses it anyway. */
function countsDeeper(text: string, max: number): boolean {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) isString = false;
    } else if (code === QUOTE) isString = true;
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (++depth > max) return true;
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth--;
  }
  return false;
}
