/**
 * SenML in CBOR (RFC 8428 §6): the same packs as in JSON, with integers in place of the labels. A pack is read into the
 * labels of the JSON form (§5), so that one resolver (senml.ts) serves both.
 */
import { type DecodeOptions, decode, Tokenizer } from 'cborg';
import type { SenmlRefusal } from './senml.ts';

/** §6, table 4. It is conclusive: "there is no intention to define any additional integer map keys". */
const LABELS: ReadonlyMap<unknown, string> = new Map([
  [-1, 'bver'],
  [-2, 'bn'],
  [-3, 'bt'],
  [-4, 'bu'],
  [-5, 'bv'],
  [-6, 'bs'],
  [0, 'n'],
  [1, 'u'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [5, 's'],
  [6, 't'],
  [7, 'ut'],
  [8, 'vd'],
]);
const NAMED: ReadonlySet<unknown> = new Set(LABELS.values());

/** Array, map, value and what an extension may nest in it; the decoder recurses once for each level. */
export const SENML_CBOR_DEPTH_MAX = 8;
/** RFC 8949 §3.4.4: decimal fraction, [exponent, mantissa]. */
const TAG_DECIMAL_FRACTION = 4;
/** Beyond it every mantissa is 0 or too large for a double. */
const EXPONENT_MAX = 400;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Refuses what the decoder itself lets pass: deep nesting, and texts that are not UTF-8 (RFC 8949 §3.1). */
class StrictTokenizer extends Tokenizer {
  /** Items that each open array, map or tag still expects. */
  readonly #expected: number[] = [];

  override next(): ReturnType<Tokenizer['next']> {
    const token = super.next();
    if (token.type.name === 'string' && String(token.value).includes('\ufffd')) utf8.decode(token.byteValue ?? new Uint8Array());
    this.#count(token.type.name, Number(token.value));
    return token;
  }

  #count(type: string, length: number): void {
    const expected = this.#expected;
    if (type === 'break') {
      expected.pop();
    } else if (type === 'array' || type === 'map' || type === 'tag') {
      const items = type === 'tag' ? 1 : type === 'map' ? 2 * length : length;
      if (items > 0) {
        if (expected.push(items) > SENML_CBOR_DEPTH_MAX) throw new RangeError(`nested deeper than ${SENML_CBOR_DEPTH_MAX} levels`);
        return;
      }
    }
    // This item is whole; so is every container it was the last of.
    while (expected.length > 0) {
      const left = (expected.at(-1) as number) - 1;
      if (left > 0) {
        expected[expected.length - 1] = left;
        return;
      }
      expected.pop();
    }
  }
}

const OPTIONS: DecodeOptions = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
  allowBigInt: true,
  allowIndefinite: true,
  allowUndefined: false,
  tags: { [TAG_DECIMAL_FRACTION]: (item) => decimalFraction(item()) },
};

/**
 * Reads a pack. Only its form is looked at here; `resolveSenml` judges labels and values.
 * @returns records under the labels of the JSON form: data values as base64url without padding, whole numbers beyond
 *   2^53 as the nearest double; or the refusal `pack`, `label`
 */
export function parseSenmlCbor(bytes: Uint8Array): { readonly ok: true; readonly pack: readonly unknown[] } | SenmlRefusal {
  let decoded: unknown;
  try {
    decoded = decode(bytes, { ...OPTIONS, tokenizer: new StrictTokenizer(bytes, OPTIONS) });
  } catch (error) {
    return refuse('pack', error instanceof Error ? error.message : 'no CBOR');
  }
  if (!Array.isArray(decoded)) return refuse('pack', 'no array');
  const pack: { [label: string]: unknown }[] = [];
  for (const [index, item] of decoded.entries()) {
    if (!(item instanceof Map)) return refuse('pack', `record ${index} is no map`);
    const record: { [label: string]: unknown } = Object.create(null);
    for (const [key, value] of item) {
      const label = LABELS.get(key) ?? key;
      // A text key for what has an integer would give one label two values.
      if (typeof label !== 'string' || NAMED.has(key)) return refuse('label', `record ${index}: ${String(key).slice(0, 64)} is no label`);
      record[label] = toJson(value);
    }
    pack.push(record);
  }
  return { ok: true, pack };
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint8Array ? value.toBase64({ alphabet: 'base64url', omitPadding: true }) : value;
}

function decimalFraction(content: unknown): number {
  const [exponent, mantissa] = Array.isArray(content) && content.length === 2 ? content : [];
  const isWhole = typeof mantissa === 'bigint' || Number.isSafeInteger(mantissa);
  if (!Number.isSafeInteger(exponent) || !isWhole) throw new TypeError('a decimal fraction is [exponent, mantissa]');
  if (Math.abs(exponent) > EXPONENT_MAX) throw new RangeError(`a decimal fraction with exponent ${exponent}`);
  return Number(`${mantissa}e${exponent}`);
}

function refuse(reason: SenmlRefusal['reason'], detail: string): SenmlRefusal {
  return { ok: false, reason, detail };
}
