/**
 * Three evaluators of CEL against each other: ours, the library that parses for us, and a third that others wrote
 * (@bufbuild/cel), on random well-typed expressions and values from a seed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CelInput, type CelResult, type CelValue, celEnv, isCelError, isCelList, parse, plan } from '@bufbuild/cel';
import { Environment } from '@marcbachmann/cel-js';
import { expressionCompiler } from './cel.ts';
import type { Inputs, VariableDeclaration } from './expression.ts';

const EXPRESSIONS = 20_000;
const VALUES_PER_EXPRESSION = 3;
const DEPTH = 3;
const SEED = 20_260_301;

type Type = 'bool' | 'double' | 'int' | 'string' | 'doubles';
const VARIABLES: ReadonlyMap<string, VariableDeclaration> = new Map([
  ['a', { type: 'number', unit: '1' }],
  ['b', { type: 'number', unit: '1' }],
  ['s', { type: 'text', unit: '1' }],
  ['p', { type: 'bool', unit: '1' }],
  ['d', { type: 'any', unit: '1' }],
  ['w', { type: 'numbers', unit: '1', maxLength: 8 }],
]);

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const DOUBLES = ['0.0', '1.0', '2.5', '150.0', '1e308', '0.1', '-0.0'];
const INTS = ['0', '1', '2', '7', '-3', '9223372036854775807', '9007199254740993'];
const STRINGS = ['""', '"N"', '"NE"', '"～"', '"😀"'];

class Generator {
  readonly #next: (below: number) => number;
  #bound: { readonly name: string; readonly type: Type } | null = null;

  constructor(next: (below: number) => number) {
    this.#next = next;
  }

  of(type: Type, depth: number): string {
    if (depth === 0 || this.#next(6) === 0) return this.#leaf(type);
    if (this.#next(8) === 0) return `(${this.of('bool', depth - 1)} ? ${this.of(type, depth - 1)} : ${this.of(type, depth - 1)})`;
    switch (type) {
      case 'bool':
        return this.#bool(depth - 1);
      case 'double':
        return this.#next(5) === 0 ? `-(${this.of(type, depth - 1)})` : this.#binary(['+', '-', '*', '/'], type, depth - 1);
      case 'int':
        return this.#next(5) === 0 ? `-(${this.of(type, depth - 1)})` : this.#binary(['+', '-', '*', '/', '%'], type, depth - 1);
      case 'string':
        return this.#binary(['+'], type, depth - 1);
      case 'doubles':
        return this.#next(2) === 0
          ? this.#binary(['+'], type, depth - 1)
          : `[${this.of('double', depth - 1)}, ${this.of('double', depth - 1)}]`;
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#next(choices.length)] as T;
  }

  #leaf(type: Type): string {
    if (this.#bound?.type === type && this.#next(2) === 0) return this.#bound.name;
    switch (type) {
      case 'bool':
        return this.#pick(['p', 'p', 'true', 'false', 'd']);
      case 'double':
        return this.#pick(['a', 'b', 'a', 'b', ...DOUBLES]);
      case 'int':
        return this.#pick(INTS);
      case 'string':
        return this.#pick(['s', ...STRINGS]);
      case 'doubles':
        return this.#pick(['w', '[1.0, 2.5]', 'w']);
    }
  }

  #binary(operators: readonly string[], type: Type, depth: number): string {
    return `(${this.of(type, depth)} ${this.#pick(operators)} ${this.of(type, depth)})`;
  }

  #bool(depth: number): string {
    switch (this.#next(9)) {
      case 0:
        return `!(${this.of('bool', depth)})`;
      case 1:
      case 2:
        return this.#binary(['&&', '||'], 'bool', depth);
      case 3: {
        const numeric = (): string => this.of(this.#pick(['double', 'double', 'int'] as const), depth);
        return `(${numeric()} ${this.#pick(['<', '<=', '>', '>='])} ${numeric()})`;
      }
      case 4:
        return this.#binary(['<', '<=', '>', '>=', '==', '!='], this.#pick(['string', 'bool'] as const), depth);
      case 5:
        return this.#binary(['==', '!='], this.#pick(['double', 'int', 'doubles'] as const), depth);
      case 6:
        return `(d ${this.#pick(['==', '!=', '<', '>='])} ${this.of(this.#pick(['double', 'string', 'bool', 'int'] as const), depth)})`;
      case 7:
        return this.#next(2) === 0
          ? `(${this.of('double', depth)} in ${this.of('doubles', depth)})`
          : `${this.of('string', depth)}.${this.#pick(['startsWith', 'endsWith', 'contains'])}(${this.of('string', depth)})`;
      default:
        return this.#macro(depth);
    }
  }

  #macro(depth: number): string {
    if (this.#bound !== null) return this.#leaf('bool');
    const list = this.of('doubles', Math.min(depth, 1));
    this.#bound = { name: 'x', type: 'double' };
    const body = this.of('bool', depth);
    this.#bound = null;
    return `${list}.${this.#pick(['all', 'exists', 'exists_one'])}(x, ${body})`;
  }

  values(): Inputs {
    const double = (): number => this.#pick([0, 1, 2.5, 150, -7.25, 1e308, 0.1, -0, 9007199254740992]);
    return {
      a: double(),
      b: double(),
      s: this.#pick(['', 'N', 'NE', '～', '😀']),
      p: this.#next(2) === 0,
      d: this.#pick([double(), 'N', true, false]),
      w: Array.from({ length: this.#next(4) }, double),
    };
  }
}

/** One text for values that are the same in CEL: type and value; of all errors the same. */
function shown(value: unknown): string {
  if (value === null || value === undefined || value instanceof Error) return 'error';
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'bigint') return shown(Number(value));
  return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
}

const compile = expressionCompiler(VARIABLES);
const library = new Environment();
const CEL_TYPES = { number: 'double', text: 'string', bool: 'bool', any: 'dyn', numbers: 'list<double>' } as const;
for (const [name, { type }] of VARIABLES) library.registerVariable(name, CEL_TYPES[type]);
const environment = celEnv();

function ours(text: string): ((values: Inputs) => string) | null {
  const outcome = compile(text, 'value');
  if (outcome.ok) return (values) => shown(outcome.expression.value(values, 0));
  // A generated expression may be too large; nothing else may be wrong with it.
  assert.match(outcome.fault, /^expression-(limit|cost)$/, `${text}: ${JSON.stringify(outcome)}`);
  return null;
}

function byLibrary(text: string): (values: Inputs) => string {
  const program = library.parse(text);
  return (values) => {
    try {
      return shown(program(values));
    } catch {
      return 'error';
    }
  };
}

function byThird(text: string): (values: Inputs) => string {
  const program = plan(environment, parse(text));
  return (values) => shown(fromThird(program(values as { [name: string]: CelInput })));
}

function fromThird(result: CelResult): unknown {
  if (isCelError(result)) return null;
  return isCelList(result) ? [...result].map((element: CelValue) => element) : result;
}

interface Verdicts {
  readonly text: string;
  readonly values: Inputs;
  readonly own: string;
  readonly library: string;
  readonly third: string;
}

/** Where the others part from the specification, and nowhere else may they part from us. */
const KNOWN_DIFFERENCES: readonly { readonly why: string; readonly applies: (verdicts: Verdicts) => boolean }[] = [
  {
    // The reference (cel-go) compares the bytes of UTF-8, which is the order of code points; both others compare UTF-16 units.
    why: 'texts with characters outside of the basic plane are ordered by code point',
    applies: ({ text, values, library, third }) =>
      library === third && /[<>]/.test(text) && `${text}${values['s']}`.includes('😀') && `${text}${values['s']}`.includes('～'),
  },
  {
    // langdef.md, "Numbers": comparisons treat the types as if all were on one continuous number line.
    why: 'the third compares an int with a double after rounding it to a double',
    applies: ({ text, own, library }) => own === library && /9223372036854775807|9007199254740993/.test(text),
  },
  {
    why: 'the third leaves !(!(x)) out and so takes a dyn that is no bool',
    applies: ({ text, own, library, third }) => own === 'error' && library === 'error' && third !== 'error' && text.includes('!(!('),
  },
];
/** Far more would mean that a known difference hides another. */
const DIFFERENCES_MAX = 200;

test(`${EXPRESSIONS} random expressions mean the same to three evaluators`, () => {
  const next = random(SEED);
  const generator = new Generator(next);
  const types: readonly Type[] = ['bool', 'bool', 'bool', 'double', 'int', 'string', 'doubles'];
  const differences = new Map<string, number>();
  let [compared, errors] = [0, 0];
  for (let i = 0; i < EXPRESSIONS; i++) {
    const text = generator.of(types[next(types.length)] as Type, DEPTH);
    const evaluate = ours(text);
    if (evaluate === null) continue;
    const [byTheLibrary, byTheThird] = [byLibrary(text), byThird(text)];
    for (let j = 0; j < VALUES_PER_EXPRESSION; j++) {
      const values = generator.values();
      const verdicts: Verdicts = { text, values, own: evaluate(values), library: byTheLibrary(values), third: byTheThird(values) };
      compared++;
      if (verdicts.own === 'error') errors++;
      if (verdicts.own === verdicts.library && verdicts.own === verdicts.third) continue;
      const known: { readonly why: string } | undefined = KNOWN_DIFFERENCES.find(({ applies }) => applies(verdicts));
      assert.ok(known !== undefined, JSON.stringify(verdicts));
      differences.set(known.why, (differences.get(known.why) ?? 0) + 1);
    }
  }
  // The seed decides: so many are compared, and both outcomes are well represented.
  assert.ok(compared > 0.95 * EXPRESSIONS * VALUES_PER_EXPRESSION, `${compared} compared`);
  assert.ok(errors > 0.05 * compared && errors < 0.5 * compared, `${errors} of ${compared} are errors`);
  assert.deepEqual([...differences.keys()].sort(), KNOWN_DIFFERENCES.map(({ why }) => why).sort());
  for (const [why, count] of differences) assert.ok(count <= DIFFERENCES_MAX, `${why}: ${count}`);
});
