/**
 * XML 1.0 (fifth edition) with Namespaces in XML 1.0, for documents without a document type: strict about
 * well-formedness, bounded, and unable to expand anything. Entities, external ones above all, need a DOCTYPE, which is
 * refused where it begins; what stays are the five predefined entities and character references (§4.1, §4.6).
 */

/** Alerts with an embedded picture fit; a bound of ours, as are the next three. */
export const XML_MAX_BYTES = 1024 * 1024;
export const XML_MAX_DEPTH = 32;
export const XML_MAX_ELEMENTS = 20_000;
/** Attributes and namespace declarations of one element. */
export const XML_MAX_ATTRIBUTES = 32;

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';

export interface XmlAttribute {
  /** Empty for an attribute without prefix (Namespaces §6.2: the default namespace does not apply to it). */
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
}

export interface XmlElement {
  /** Empty for an element in no namespace. */
  readonly namespace: string;
  /** Without prefix. */
  readonly name: string;
  /** Without the declarations of namespaces. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** All character data directly in the element, in order; line ends are U+000A (§2.11). */
  readonly text: string;
  /** Line of its tag, from 1. */
  readonly line: number;
}

export type XmlRefusalReason = 'limit' | 'encoding' | 'doctype' | 'entity' | 'malformed';

export interface XmlRefusal {
  readonly ok: false;
  /**
   * - `limit`: too long, too deep, too many elements or attributes
   * - `encoding`: not UTF-8, or declared as something else
   * - `doctype`: a document type declaration, whatever is in it
   * - `entity`: a reference to an entity that is not one of the five predefined
   * - `malformed`: not well-formed, with or without namespaces
   */
  readonly reason: XmlRefusalReason;
  readonly detail: string;
  /** From 1; 0 where the whole document is meant. */
  readonly line: number;
}

/** §2.2 Char; U+000D is gone by then (§2.11). */
const NO_CHAR = /[^\t\n\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
/** §2.3 NameStartChar and NameChar without the colon: NCName of Namespaces §3. */
const NAME_START =
  'A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF' +
  '\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NC_NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\xB7\\u0300-\\u036F\\u203F\\u2040]*`;
const Q_NAME = new RegExp(`(?:(${NC_NAME}):)?(${NC_NAME})`, 'uy');
const PI_TARGET = new RegExp(NC_NAME, 'uy');
const SPACE = /[ \t\n]*/y;
const EQUALS = /[ \t\n]*=[ \t\n]*/y;
/** §2.8 XMLDecl, §4.3.3 EncodingDecl, §2.9 SDDecl. */
const DECLARATION =
  /<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(?:'1\.\d+'|"1\.\d+")(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(?:'([A-Za-z][\w.-]*)'|"([A-Za-z][\w.-]*)"))?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\n]*\?>/y;
const REFERENCE = /&(?:#0*(\d{1,7})|#x0*([0-9A-Fa-f]{1,6})|([\w.:\-\u0080-\uFFFF]+));|&/g;
const PREDEFINED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };

/** Prefixes in force in an element; '' is the default namespace. */
interface Scope {
  readonly outer: Scope | null;
  readonly declared: ReadonlyMap<string, string>;
}

/** An element whose end has not been read yet. */
interface OpenElement {
  readonly namespace: string;
  readonly name: string;
  /** With the prefix as written: §3 WFC Element Type Match compares that. */
  readonly tag: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: XmlElement[];
  readonly parts: string[];
  readonly line: number;
  readonly scope: Scope;
}

interface RawAttribute {
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
}

/** Leaves the reader when the document is refused; never leaves this file. */
class Refused extends Error {
  readonly reason: XmlRefusalReason;

  constructor(reason: XmlRefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/**
 * Reads a document. Comments and processing instructions are passed over, never acted on. Time and memory are linear
 * in the length.
 * @param bytes UTF-8, with or without a byte order mark
 */
export function parseXml(bytes: Uint8Array): { readonly ok: true; readonly root: XmlElement } | XmlRefusal {
  if (bytes.length > XML_MAX_BYTES) return { ok: false, reason: 'limit', detail: `more than ${XML_MAX_BYTES} bytes`, line: 0 };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'encoding', detail: 'the bytes are not UTF-8', line: 0 };
  }
  const reader = new Reader(text.replace(/\r\n?/g, '\n'));
  try {
    return { ok: true, root: reader.document() };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, reason: error.reason, detail: error.message, line: reader.line() };
  }
}

/**
 * Character data for the content of an element; also fit for an attribute value in either kind of quotes.
 * @returns null when the text has a character that no XML document can carry (§2.2), such as U+0000 or a lone surrogate
 */
export function escapeXml(text: string): string | null {
  if (NO_CHAR.test(text.replaceAll('\r', ''))) return null;
  // A return would come back as a line feed (§2.11).
  return text.replace(/[&<>"'\r]/g, (char) => (char === '\r' ? '&#13;' : `&${PREDEFINED_NAMES.get(char)};`));
}

const PREDEFINED_NAMES: ReadonlyMap<string, string> = new Map(Object.entries(PREDEFINED).map(([name, char]) => [char, name]));

class Reader {
  readonly #text: string;
  #at = 0;
  #elements = 0;
  /** Lines are counted as far as here. */
  #lineAt = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  line(): number {
    for (; this.#lineAt < this.#at; this.#lineAt += 1) if (this.#text.charCodeAt(this.#lineAt) === 0x0a) this.#line += 1;
    return this.#line;
  }

  /** §2.1 document: prolog element Misc* */
  document(): XmlElement {
    const wrong = NO_CHAR.exec(this.#text);
    if (wrong !== null) {
      this.#at = wrong.index;
      throw new Refused('malformed', `U+${wrong[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')} is no character of XML`);
    }
    this.#declaration();
    this.#misc();
    if (this.#looksAt('<!')) {
      const doctype = /^<!doctype/i.test(this.#text.slice(this.#at, this.#at + 9));
      throw doctype ? new Refused('doctype', 'a document type declaration') : new Refused('malformed', 'no markup begins with "<!" here');
    }
    if (!this.#looksAt('<')) throw new Refused('malformed', 'no root element');
    const root = this.#tree();
    this.#misc();
    if (this.#at < this.#text.length) throw new Refused('malformed', 'something follows the root element');
    return root;
  }

  #declaration(): void {
    if (!/^<\?xml[ \t\n?]/.test(this.#text.slice(0, 6))) return;
    const match = this.#match(DECLARATION);
    if (match === null) throw new Refused('malformed', 'the XML declaration');
    const encoding = match[1] ?? match[2] ?? 'UTF-8';
    // ASCII is part of UTF-8; every other encoding would have been decoded wrongly.
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) throw new Refused('encoding', `declared as ${encoding.slice(0, 32)}`);
  }

  /** §2.8 Misc*: comments, processing instructions, white space. */
  #misc(): void {
    for (;;) {
      this.#match(SPACE);
      if (this.#looksAt('<!--')) this.#comment();
      else if (this.#looksAt('<?')) this.#processingInstruction();
      else return;
    }
  }

  /** §3 element, the root and all in it, without recursion. */
  #tree(): XmlElement {
    const open: OpenElement[] = [];
    for (;;) {
      const top = open.at(-1);
      let closed: XmlElement | null = null;
      if (top !== undefined && this.#looksAt('</')) {
        this.#endTag(top);
        open.pop();
        closed = finished(top);
      } else if (this.#looksAt('<!--')) this.#comment();
      else if (this.#looksAt('<?')) this.#processingInstruction();
      else if (top !== undefined && this.#looksAt('<![CDATA[')) top.parts.push(this.#until('<![CDATA[', ']]>'));
      else if (this.#looksAt('<')) {
        const { element, empty } = this.#startTag(top?.scope ?? null, open.length);
        if (empty) closed = finished(element);
        else open.push(element);
      } else if (top !== undefined) top.parts.push(this.#characterData());
      if (closed === null) continue;
      const parent = open.at(-1);
      if (parent === undefined) return closed;
      parent.children.push(closed);
    }
  }

  /** §3.1 STag, EmptyElemTag. */
  #startTag(outer: Scope | null, depth: number): { readonly element: OpenElement; readonly empty: boolean } {
    this.#elements += 1;
    if (depth >= XML_MAX_DEPTH) throw new Refused('limit', `deeper than ${XML_MAX_DEPTH} elements`);
    if (this.#elements > XML_MAX_ELEMENTS) throw new Refused('limit', `more than ${XML_MAX_ELEMENTS} elements`);
    const line = this.line();
    this.#at += 1;
    const [prefix, name] = this.#qName('an element');
    const raw = this.#attributes();
    const empty = this.#looksAt('/>');
    this.#expect(empty ? '/>' : '>', 'a start tag');
    const scope = scopeWith(outer, raw);
    const element: OpenElement = {
      namespace: namespaceOf(scope, prefix),
      name,
      tag: prefix === '' ? name : `${prefix}:${name}`,
      attributes: attributesIn(scope, raw),
      children: [],
      parts: [],
      line,
      scope,
    };
    return { element, empty };
  }

  #endTag({ tag }: OpenElement): void {
    this.#at += 2;
    const [prefix, name] = this.#qName('an element');
    const found = prefix === '' ? name : `${prefix}:${name}`;
    if (found !== tag) throw new Refused('malformed', `</${found.slice(0, 64)}> ends <${tag.slice(0, 64)}>`);
    this.#match(SPACE);
    this.#expect('>', 'an end tag');
  }

  /** §3.1 Attribute, each after white space. */
  #attributes(): RawAttribute[] {
    const attributes: RawAttribute[] = [];
    for (;;) {
      const space = this.#match(SPACE)?.[0] ?? '';
      if (this.#at >= this.#text.length || this.#looksAt('>') || this.#looksAt('/')) return attributes;
      if (space === '') throw new Refused('malformed', 'white space is missing in a tag');
      if (attributes.length === XML_MAX_ATTRIBUTES) throw new Refused('limit', `more than ${XML_MAX_ATTRIBUTES} attributes`);
      const [prefix, name] = this.#qName('an attribute');
      if (this.#match(EQUALS) === null) throw new Refused('malformed', 'an attribute without a value');
      const quote = this.#text[this.#at] ?? '';
      if (quote !== '"' && quote !== "'") throw new Refused('malformed', 'an attribute value without quotes');
      const value = this.#until(quote, quote);
      if (value.includes('<')) throw new Refused('malformed', '"<" in an attribute value');
      // §3.3.3: white space as such becomes spaces, character references stay what they are.
      attributes.push({ prefix, name, value: resolveReferences(value.replace(/[\t\n]/g, ' ')) });
    }
  }

  /** §2.4 CharData and references, up to the next markup. */
  #characterData(): string {
    const end = this.#text.indexOf('<', this.#at);
    if (end === -1) throw new Refused('malformed', 'the document ends within an element');
    const data = this.#text.slice(this.#at, end);
    if (data.includes(']]>')) throw new Refused('malformed', '"]]>" in character data');
    const resolved = resolveReferences(data);
    this.#at = end;
    return resolved;
  }

  /** §2.5: "--" only at the end. */
  #comment(): void {
    this.#until('<!--', '--');
    this.#expect('>', 'a comment, which has no "--" in it,');
  }

  /** §2.6; the target "xml" in any case is reserved. */
  #processingInstruction(): void {
    const start = this.#at;
    this.#at += 2;
    const target = this.#match(PI_TARGET)?.[0] ?? '';
    if (target === '' || /^xml$/i.test(target)) throw new Refused('malformed', 'the target of a processing instruction');
    if (!this.#looksAt('?>') && this.#match(SPACE)?.[0] === '') throw new Refused('malformed', 'a processing instruction');
    this.#at = start;
    this.#until('<?', '?>');
  }

  #qName(what: string): readonly [string, string] {
    const match = this.#match(Q_NAME);
    if (match === null) throw new Refused('malformed', `the name of ${what}`);
    return [match[1] ?? '', match[2] ?? ''];
  }

  /** What lies between two delimiters of which the first is here. */
  #until(start: string, end: string): string {
    const from = this.#at + start.length;
    const to = this.#text.indexOf(end, from);
    if (to === -1) throw new Refused('malformed', `"${start}" without "${end}"`);
    this.#at = to + end.length;
    return this.#text.slice(from, to);
  }

  #expect(token: string, what: string): void {
    if (!this.#looksAt(token)) throw new Refused('malformed', `${what} ends with "${token}"`);
    this.#at += token.length;
  }

  #looksAt(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }
}

function finished({ namespace, name, attributes, children, parts, line }: OpenElement): XmlElement {
  return { namespace, name, attributes, children, text: parts.join(''), line };
}

/** §4.1: character references and the predefined entities. */
function resolveReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) {
      if (!Object.hasOwn(PREDEFINED, name)) throw new Refused('entity', `&${name.slice(0, 64)}; is not predefined`);
      return PREDEFINED[name] ?? '';
    }
    if (whole === '&') throw new Refused('malformed', '"&" without a reference');
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    const char = code <= 0x10ffff ? String.fromCodePoint(code) : '';
    if (char === '' || (char !== '\r' && NO_CHAR.test(char))) throw new Refused('malformed', `${whole} is no character of XML`);
    return char;
  });
}

/** Namespaces §3: declarations of this element before those around it. */
function scopeWith(outer: Scope | null, raw: readonly RawAttribute[]): Scope {
  const declared = new Map<string, string>();
  for (const { prefix, name, value } of raw) {
    if (prefix !== 'xmlns' && !(prefix === '' && name === 'xmlns')) continue;
    const bound = prefix === 'xmlns' ? name : '';
    const reserved = bound === 'xmlns' || value === XMLNS_NAMESPACE || (bound === 'xml') !== (value === XML_NAMESPACE);
    if (reserved || (bound !== '' && value === '')) throw new Refused('malformed', `the prefix "${bound.slice(0, 64)}" cannot be bound so`);
    if (declared.has(bound)) throw new Refused('malformed', `the prefix "${bound.slice(0, 64)}" is declared twice`);
    declared.set(bound, value);
  }
  return declared.size === 0 && outer !== null ? outer : { outer, declared };
}

function namespaceOf(scope: Scope, prefix: string): string {
  if (prefix === 'xml') return XML_NAMESPACE;
  for (let inner: Scope | null = scope; inner !== null; inner = inner.outer) {
    const namespace = inner.declared.get(prefix);
    if (namespace !== undefined) return namespace;
  }
  if (prefix === '') return '';
  throw new Refused('malformed', `the prefix "${prefix.slice(0, 64)}" is not declared`);
}

/** Namespaces §6.3: no two attributes with the same expanded name. */
function attributesIn(scope: Scope, raw: readonly RawAttribute[]): XmlAttribute[] {
  const attributes: XmlAttribute[] = [];
  for (const { prefix, name, value } of raw) {
    if (prefix === 'xmlns' || (prefix === '' && name === 'xmlns')) continue;
    const namespace = prefix === '' ? '' : namespaceOf(scope, prefix);
    if (attributes.some((other) => other.name === name && other.namespace === namespace)) {
      throw new Refused('malformed', `the attribute ${name.slice(0, 64)} stands twice`);
    }
    attributes.push({ namespace, name, value });
  }
  return attributes;
}
