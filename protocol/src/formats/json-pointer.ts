/** JSON Pointer, RFC 6901. */

const POINTER = /^(?:\/(?:[^~/]|~0|~1)*)*$/;
const POINTER_MAX_LENGTH = 256;

/** Is this text a pointer (§3)? The empty one points at the whole document. */
export function isJsonPointer(text: unknown): text is string {
  return typeof text === 'string' && text.length <= POINTER_MAX_LENGTH && POINTER.test(text);
}

/** @returns what the pointer points at (§4), undefined when there is nothing */
export function valueAt(json: unknown, pointer: string): unknown {
  let value = json;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    const isIndex = /^(?:0|[1-9]\d*)$/.test(name);
    if (value === null || typeof value !== 'object' || (Array.isArray(value) && !isIndex) || !Object.hasOwn(value, name)) return undefined;
    value = (value as { readonly [member: string]: unknown })[name];
  }
  return value;
}
