/**
 * JSON Schema 2020-12 for department records, interpreted within bounds: a document of any content is judged in bounded
 * time, whatever the schema. The schema is checked when the dataset is defined; what could make judging expensive (references
 * to elsewhere, patterns that take exponential time, pairwise comparison) is refused there.
 */
import { type Schema, Validator } from '@cfworker/json-schema';
import { PATTERN_TEXT_MAX_LENGTH, patternFault } from '../datasets/pattern-cost.ts';
import { isJsonPointer, valueAt } from './json-pointer.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** A schema as canonical text: three times the largest of the published ones we know (EPCIS, CAP, cce-interop: some 40 kB). */
export const SCHEMA_MAX_LENGTH = 128 * 1024;
/** How deep a schema may nest. */
export const SCHEMA_DEPTH_MAX = 32;
/** Subschemas applied to one document: a value needs one or two, and 1,000 readings of some 30 values fit. 0.2 s at worst. */
export const SCHEMA_STEPS_MAX = 100_000;
/** Members of a list or map in a schema: each is compared with many values of a document. */
export const SCHEMA_LIST_MAX = 1000;
/** Each is tried on every name in a document. */
export const PATTERN_PROPERTIES_MAX = 16;

/** Not taken, with the reason. */
const NOT_TAKEN: { readonly [keyword: string]: string } = {
  $id: 'a schema stands alone',
  $anchor: 'refer by JSON Pointer',
  $dynamicRef: 'refer by $ref',
  $dynamicAnchor: 'refer by $ref',
  $recursiveRef: 'refer by $ref',
  $recursiveAnchor: 'refer by $ref',
  $vocabulary: 'the standard one holds',
  uniqueItems: 'its cost grows with the square of the items',
  format: 'it is an annotation in 2020-12; use pattern',
};

const isSchema = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
const isSchemas = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isSchema);
const isNames = (value: unknown): boolean => Array.isArray(value) && value.every((name) => typeof name === 'string');
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): boolean => Number.isFinite(value);

/** What a keyword's value must be. Others are annotations. */
const SHAPES: readonly (readonly [string, (value: unknown) => boolean])[] = [
  ['$defs definitions properties patternProperties dependentSchemas dependentRequired', isObject],
  ['items contains additionalProperties unevaluatedProperties unevaluatedItems propertyNames not if then else', isSchema],
  ['allOf anyOf oneOf prefixItems', isSchemas],
  ['required', isNames],
  ['enum', Array.isArray],
  ['type', (value) => typeof value === 'string' || isNames(value)],
  ['minimum maximum exclusiveMinimum exclusiveMaximum multipleOf', isNumber],
  ['minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains', isCount],
];
const SHAPE: ReadonlyMap<string, (value: unknown) => boolean> = new Map(
  SHAPES.flatMap(([keywords, isRight]) => keywords.split(' ').map((keyword) => [keyword, isRight] as const)),
);
/** Keywords whose members are names of the author's choice, with a schema under each. */
const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set(['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas']);
/** Keywords that hold values, not schemas. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired', 'type']);

/** @returns what is wrong with a schema, beginning with the pointer to it; undefined when it is taken */
export function schemaFault(schema: unknown): string | undefined {
  if (!isObject(schema)) return 'an object is wanted';
  const fault = nodeFault(schema, schema, '', 0);
  if (fault !== undefined) return fault;
  if (JSON.stringify(schema).length > SCHEMA_MAX_LENGTH) return `longer than ${SCHEMA_MAX_LENGTH} characters`;
  try {
    new DocumentSchema(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read';
  }
}

function nodeFault(node: unknown, root: JsonSchema, at: string, depth: number): string | undefined {
  if (depth > SCHEMA_DEPTH_MAX) return `${at}: nested deeper than ${SCHEMA_DEPTH_MAX} levels`;
  if (Array.isArray(node)) return firstFault(node.entries(), (index, item) => nodeFault(item, root, `${at}/${index}`, depth + 1));
  if (!isObject(node)) return undefined;
  return firstFault(Object.entries(node), (keyword, value) => keywordFault(keyword, value, root, `${at}/${keyword}`, depth));
}

function keywordFault(keyword: string, value: unknown, root: JsonSchema, at: string, depth: number): string | undefined {
  if (Object.hasOwn(NOT_TAKEN, keyword)) return `${at} is not taken: ${NOT_TAKEN[keyword]}`;
  if (SHAPE.get(keyword)?.(value) === false) return `${at}: not what this keyword takes`;
  const length = value !== null && typeof value === 'object' ? Object.keys(value).length : 0;
  const lengthMax = keyword === 'patternProperties' ? PATTERN_PROPERTIES_MAX : SCHEMA_LIST_MAX;
  if (length > lengthMax) return `${at}: more than ${lengthMax} members`;
  if (VALUES.has(keyword)) return undefined;
  if (keyword === '$ref') return isLocalRef(value, root) ? undefined : `${at}: a pointer into this schema is wanted, #/…`;
  if (keyword === 'pattern') return prefixed(at, patternFault(value));
  if (!MAPS_OF_SCHEMAS.has(keyword)) return nodeFault(value, root, at, depth + 1);
  return firstFault(Object.entries(value as JsonSchema), (name, schema) => {
    const fault = keyword === 'patternProperties' ? prefixed(at, patternFault(name)) : undefined;
    return fault ?? nodeFault(schema, root, `${at}/${name}`, depth + 1);
  });
}

function prefixed(at: string, fault: string | undefined): string | undefined {
  return fault === undefined ? undefined : `${at}: ${fault}`;
}

function isLocalRef(ref: unknown, root: JsonSchema): boolean {
  if (typeof ref !== 'string' || !ref.startsWith('#') || ref.includes('%')) return false;
  const pointer = ref.slice(1);
  const target = isJsonPointer(pointer) ? valueAt(root, pointer) : undefined;
  return isSchema(target);
}

function firstFault<K, V>(entries: Iterable<readonly [K, V]>, faultOf: (key: K, value: V) => string | undefined): string | undefined {
  for (const [key, value] of entries) {
    const fault = faultOf(key, value);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

class TooManySteps extends Error {}

/** A schema that was checked, ready to judge documents. */
export class DocumentSchema {
  readonly #validator: Validator;
  readonly #hasPatterns: boolean;
  #steps = 0;

  /** @param schema for which `schemaFault` found nothing */
  constructor(schema: JsonSchema) {
    const own = structuredCopy(schema, () => {
      if (++this.#steps > SCHEMA_STEPS_MAX) throw new TooManySteps();
    });
    this.#hasPatterns = /"pattern(Properties)?":/.test(JSON.stringify(schema));
    this.#validator = new Validator(own as Schema, '2020-12', true);
  }

  /** @returns what is wrong with a document, beginning with the JSON Pointer to it; undefined when nothing is */
  faultOf(document: unknown): string | undefined {
    if (this.#hasPatterns) {
      const long = longText(document, '');
      if (long !== undefined) return `${long}: a text of more than ${PATTERN_TEXT_MAX_LENGTH} characters`;
    }
    this.#steps = 0;
    try {
      const { valid, errors } = this.#validator.validate(document);
      if (valid) return undefined;
      // The last one is the innermost: what holds it comes before it.
      const { instanceLocation = '#', keyword = 'schema', error = '' } = errors.at(-1) ?? {};
      return `${instanceLocation.slice(1)} ${keyword}: ${error}`;
    } catch (error) {
      if (error instanceof TooManySteps) return `: judging it takes more than ${SCHEMA_STEPS_MAX} steps`;
      // A schema whose references lead back to themselves without descending into the document.
      if (error instanceof RangeError) return ': the schema refers to itself without end';
      return `: the schema cannot judge it (${error instanceof Error ? error.message : 'unknown'})`;
    }
  }
}

/**
 * A copy that calls `onStep` each time the validator applies a schema in it. The validator reads this member of every
 * schema before it does anything else; a test holds it to that.
 */
function structuredCopy(node: unknown, onStep: () => void): unknown {
  if (Array.isArray(node)) return node.map((item) => structuredCopy(item, onStep));
  if (!isObject(node)) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, structuredCopy(value, onStep)]));
  return Object.defineProperty(copy, '__absolute_recursive_ref__', { get: onStep });
}

function longText(json: unknown, at: string): string | undefined {
  if (typeof json === 'string') return json.length > PATTERN_TEXT_MAX_LENGTH ? at : undefined;
  if (json === null || typeof json !== 'object') return undefined;
  for (const [name, value] of Object.entries(json)) {
    if (name.length > PATTERN_TEXT_MAX_LENGTH) return at;
    const found = longText(value, `${at}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(json: unknown): json is JsonSchema {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}
