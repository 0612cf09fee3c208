/**
 * YAML 1.2 with the failsafe schema: maps, lists and texts, nothing else. So `no` stays a text, `1e3` too, and the
 * canonical form does not depend on how a reader guesses types. Every node keeps its place for error messages.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from 'yaml';
import { CONTRACT_MAX_BYTES } from './contract.ts';
import { type ContractFault, contractFault, type FaultName } from './contract-fault.ts';

/** The members of a map by key. */
export type Members = ReadonlyMap<string, Node>;
/** What the plain document consists of. */
export type PlainDocument = string | readonly PlainDocument[] | { readonly [key: string]: PlainDocument };

/** Reads a contract's YAML and collects the faults on the way. */
export class ContractYaml {
  readonly faults: ContractFault[] = [];
  /** null when the text is no YAML we take. */
  readonly root: Node | null;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #toPlain: () => PlainDocument;

  constructor(text: string) {
    this.#text = text;
    const tooLarge = new TextEncoder().encode(text).length > CONTRACT_MAX_BYTES;
    const document = parseDocument(tooLarge ? '' : text, {
      schema: 'failsafe',
      version: '1.2',
      stringKeys: true,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: this.#lines,
    });
    this.#toPlain = () => document.toJS({ maxAliasCount: 0 });
    if (tooLarge) this.fault('too-large', `${CONTRACT_MAX_BYTES}`, 0);
    for (const error of document.errors) this.#yamlFault(error);
    visit(document, {
      Node: (_, node) => {
        const decorated = isAlias(node) || node.tag !== undefined || ('anchor' in node && node.anchor !== undefined);
        if (decorated) this.faultAt('not-plain', '', node);
      },
    });
    this.root = this.faults.length === 0 ? document.contents : null;
    if (this.faults.length === 0 && this.root === null) this.fault('map-expected', '', 0);
  }

  /** The document without places. Only for a document whose root is not null. */
  plain(): PlainDocument {
    return this.#toPlain();
  }

  fault(fault: FaultName, detail: string, offset: number): void {
    const { line, col } = this.#lines.linePos(offset);
    this.faults.push(contractFault(fault, detail, Math.max(1, line), Math.max(1, col)));
  }

  faultAt(fault: FaultName, detail: string, node: Node): void {
    this.fault(fault, detail, node.range?.[0] ?? 0);
  }

  /** A fault inside a text: exact for a text on one line without escapes, else the place where the text begins. */
  faultWithin(fault: FaultName, detail: string, node: Node, offset: number): void {
    const start = node.range?.[0] ?? 0;
    const value = isScalar(node) ? String(node.value) : '';
    const quote = /^["']/.test(this.#text.slice(start, start + 1)) ? 1 : 0;
    const verbatim = this.#text.startsWith(value, start + quote);
    this.fault(fault, detail, verbatim ? start + quote + offset : start);
  }

  /** The members of a map with exactly these keys; null (and a fault) when it is no map. */
  members(node: Node, required: readonly string[], optional: readonly string[] = []): Members | null {
    if (!isMap(node)) {
      this.faultAt('map-expected', '', node);
      return null;
    }
    const members = new Map<string, Node>();
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!required.includes(name) && !optional.includes(name)) this.faultAt('key-unknown', name.slice(0, 64), key);
      else if (value === null) this.faultAt('text-expected', '1', key);
      else members.set(name, value);
    }
    const given = new Set((node.items as { key: Node }[]).map(({ key }) => (isScalar(key) ? String(key.value) : '')));
    for (const name of required) if (!given.has(name)) this.faultAt('key-missing', name, node);
    return members;
  }

  /** The members of a map whose keys are names of the author's own; none (and a fault) when it is no map of 1 to `max`. */
  entries(node: Node, max: number): readonly { readonly name: string; readonly key: Node; readonly value: Node }[] {
    if (!isMap(node)) {
      this.faultAt('map-expected', '', node);
      return [];
    }
    const items = node.items as { key: Node; value: Node | null }[];
    if (items.length === 0 || items.length > max) this.faultAt('list-length', `${max}`, node);
    const entries = items
      .slice(0, max)
      .map(({ key, value }) => ({ name: isScalar(key) ? String(key.value) : '', key, value: value ?? key }));
    return items.length > max ? [] : entries;
  }

  /** A text, trimmed at its end (block scalars end with a newline); null (and a fault) when it is none. */
  text(node: Node | undefined, maxLength: number): string | null {
    if (node === undefined) return null;
    const value = isScalar(node) && typeof node.value === 'string' ? node.value.trimEnd() : '';
    if (value !== '' && value.length <= maxLength && value.isWellFormed()) return value;
    this.faultAt('text-expected', `${maxLength}`, node);
    return null;
  }

  /** The items of a list; none (and a fault) when it is no list of 1 to `max` items. */
  items(node: Node | undefined, max: number): readonly Node[] {
    if (node === undefined) return [];
    if (!isSeq(node)) {
      this.faultAt('list-expected', '', node);
      return [];
    }
    if (node.items.length > 0 && node.items.length <= max) return node.items as Node[];
    this.faultAt('list-length', `${max}`, node);
    return [];
  }

  #yamlFault(error: YAMLError): void {
    const at = error.pos[0];
    if (error.code === 'DUPLICATE_KEY') this.fault('key-repeated', '', at);
    else if (error.code === 'MULTIPLE_DOCS') this.fault('not-plain', '', at);
    else this.fault('yaml', error.code, at);
  }
}
