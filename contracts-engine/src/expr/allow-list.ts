/**
 * What of CEL a contract may use. Left out: regular expressions (`matches` runs in exponential time on hostile
 * patterns), nested comprehensions (cost grows with the power of the depth), maps, conversions, timestamps (the engine
 * knows event time alone), every function but those of functions.ts, and everything else a policy rule has not needed yet.
 */
import { AST_DEPTH_MAX, type ExpressionFault } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import { UNIT_FUNCTION, UNIT_FUNCTIONS } from './unit-rules.ts';

/** The part of the parser's tree that matters here. */
export interface SyntaxNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
}

const OPERATORS = new Set(['!=', '==', 'in', '+', '-', '*', '/', '%', '<', '<=', '>', '>=', '!_', '-_', '?:', '||', '&&', 'list']);
const TEXT_METHODS = new Set(['startsWith', 'endsWith', 'contains']);
const COMPREHENSIONS = new Set(['all', 'exists', 'exists_one']);
const LITERAL_TYPES = new Set(['number', 'bigint', 'string', 'boolean']);
/** The library does not hold a literal to 64 bits. */
const INT_MAX = 2n ** 63n - 1n;

/**
 * Walks a tree.
 * @param isProperty whether a name is a property of the dataset
 * @returns the properties it reads, or the first thing that is not allowed
 */
export function checkSyntax(root: SyntaxNode, isProperty: (name: string) => boolean): ReadonlySet<string> | ExpressionFault {
  const walker = new SyntaxWalker(isProperty);
  return walker.walk(root, null, 1) ?? walker.properties;
}

class SyntaxWalker {
  readonly properties = new Set<string>();
  readonly #isProperty: (name: string) => boolean;

  constructor(isProperty: (name: string) => boolean) {
    this.#isProperty = isProperty;
  }

  /** @param bound the variable of the comprehension around, null outside of one */
  walk(node: SyntaxNode, bound: string | null, depth: number): ExpressionFault | null {
    if (depth > AST_DEPTH_MAX) return { fault: 'expression-limit', offset: node.start, detail: `depth ${AST_DEPTH_MAX}` };
    if (node.op === 'value') return isLiteral(node.args) ? null : notAllowed(node, 'literal');
    if (node.op === 'id') return this.#walkName(node, bound);
    if (node.op === 'rcall') return this.#walkMethod(node, bound, depth);
    if (node.op === 'call') return this.#walkCall(node, bound, depth);
    if (!OPERATORS.has(node.op)) return notAllowed(node, node.op);
    const operands = Array.isArray(node.args) ? (node.args as SyntaxNode[]) : [node.args as SyntaxNode];
    // `a && b && c` reads as one level, though the parser nests it to the left.
    const [first, ...rest] = operands;
    if (first === undefined) return null;
    const chained = operands.length === 2 && first.op === node.op;
    return this.walk(first, bound, chained ? depth : depth + 1) ?? this.#walkAll(rest, bound, depth + 1);
  }

  #walkAll(nodes: readonly SyntaxNode[], bound: string | null, depth: number): ExpressionFault | null {
    for (const node of nodes) {
      const fault = this.walk(node, bound, depth);
      if (fault !== null) return fault;
    }
    return null;
  }

  #walkName(node: SyntaxNode, bound: string | null): ExpressionFault | null {
    const name = node.args as string;
    if (name === bound) return null;
    if (!this.#isProperty(name)) return { fault: 'property-unknown', offset: node.start, detail: name };
    this.properties.add(name);
    return null;
  }

  #walkCall(node: SyntaxNode, bound: string | null, depth: number): ExpressionFault | null {
    const [name, args] = node.args as [string, SyntaxNode[]];
    const isKnown = FUNCTIONS.has(name) || UNIT_FUNCTIONS.has(name) || name === UNIT_FUNCTION;
    return isKnown ? this.#walkAll(args, bound, depth + 1) : notAllowed(node, name);
  }

  #walkMethod(node: SyntaxNode, bound: string | null, depth: number): ExpressionFault | null {
    const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]];
    if (TEXT_METHODS.has(name)) return this.#walkAll([receiver, ...args], bound, depth + 1);
    if (!COMPREHENSIONS.has(name)) return notAllowed(node, name);
    if (bound !== null) return { fault: 'expression-nested', offset: node.start, detail: name };
    const [variable, body] = args;
    if (variable?.op !== 'id' || body === undefined) return notAllowed(node, name);
    const iterated = variable.args as string;
    if (this.#isProperty(iterated)) return notAllowed(variable, iterated);
    return this.walk(receiver, null, depth + 1) ?? this.walk(body, iterated, depth + 1);
  }
}

function isLiteral(value: unknown): boolean {
  return LITERAL_TYPES.has(typeof value) && !(typeof value === 'bigint' && value > INT_MAX);
}

function notAllowed(node: SyntaxNode, what: string): ExpressionFault {
  return { fault: 'expression-not-allowed', offset: node.start, detail: what };
}
