/**
 * RFC 8785 JSON Canonicalization Scheme (JCS): one byte sequence per JSON value, so that hashing it makes sense.
 * ECMAScript's JSON.stringify already serialises numbers (§3.2.2.3) and strings (§3.2.2.2) as the scheme demands;
 * what is added is the order of members (§3.2.3) and the refusal of what JSON cannot carry.
 */

/** Values JSON can carry. A member whose value is undefined counts as absent, as in JSON.stringify. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue | undefined };

/**
 * The canonical text of a value; its UTF-8 bytes are what is hashed.
 * @throws TypeError for what has no canonical form: numbers that are not finite, lone surrogates, functions, symbols, bigint
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      // §3.2.2.3: "NaN and Infinity … MUST cause a compliant JCS implementation to terminate with an appropriate error"
      if (!Number.isFinite(value)) throw new TypeError(`no canonical form for the number ${value}`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw new TypeError(`no canonical form for a ${typeof value}`);
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = value as { readonly [name: string]: unknown };
  let text = '';
  // §3.2.3: members are sorted by their names as arrays of UTF-16 code units, which is what sort() compares.
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member !== undefined) text += `${text === '' ? '' : ','}${canonicalString(name)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

function canonicalString(text: string): string {
  // §3.2.2.2: "MUST … terminate with an appropriate error" on lone surrogates.
  if (!text.isWellFormed()) throw new TypeError('no canonical form for a string with a lone surrogate');
  return JSON.stringify(text);
}
