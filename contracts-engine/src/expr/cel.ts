/** CEL (Common Expression Language) by @marcbachmann/cel-js: the only file that knows the library. It parses and checks; build.ts computes. */
import { type ASTNode, Environment, ParseError, serialize, TypeError as TypeFault } from '@marcbachmann/cel-js';
import { checkSyntax, type SyntaxNode } from './allow-list.ts';
import { build } from './build.ts';
import { compiledExpression, typeOf } from './compiled-expression.ts';
import {
  AST_DEPTH_MAX,
  AST_NODES_MAX,
  CALL_ARGUMENTS_MAX,
  type Expression,
  type ExpressionFault,
  LIST_ELEMENTS_MAX,
  type Variable,
  type VariableDeclaration,
  type VariableType,
} from './expression.ts';
import { type ExpressionFunction, FUNCTIONS, type Parameter } from './functions.ts';
import { UNIT_FUNCTION, UNIT_FUNCTIONS } from './unit-rules.ts';

const LIMITS = {
  maxAstNodes: AST_NODES_MAX,
  maxDepth: AST_DEPTH_MAX,
  maxListElements: LIST_ELEMENTS_MAX,
  maxCallArguments: CALL_ARGUMENTS_MAX,
};
/** CEL specification, "Syntax": reserved words, and two names no variable may have in this library. */
const RESERVED = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while prototype __proto__'.split(
    ' ',
  ),
);
const CEL_TYPES: { readonly [type in VariableType]: string } = {
  number: 'double',
  text: 'string',
  bool: 'bool',
  any: 'dyn',
  numbers: 'list<double>',
};
const PARAMETER_TYPES: { readonly [type in Parameter['type']]: string } = {
  number: 'double',
  numbers: 'list<double>',
  text: 'string',
  int: 'int',
};

export type ExpressionOutcome = { readonly ok: true; readonly expression: Expression } | ({ readonly ok: false } & ExpressionFault);
/**
 * - `condition`: true or false, reads at least one variable
 * - `value`: a number, a text, yes/no or a list of numbers
 */
export type ExpressionUse = 'condition' | 'value';
export type ExpressionCompiler = (text: string, use?: ExpressionUse) => ExpressionOutcome;

/** A compiler for expressions over the given variables. One with the name of a CEL keyword or type cannot be used. */
export function expressionCompiler(variables: ReadonlyMap<string, VariableDeclaration>): ExpressionCompiler {
  const environment = withFunctions().clone();
  const known = new Map<string, VariableDeclaration>();
  for (const [name, declaration] of variables) {
    if (RESERVED.has(name) || environment.hasVariable(name)) continue;
    environment.registerVariable(name, CEL_TYPES[declaration.type]);
    known.set(name, declaration);
  }
  return (text, use = 'condition') => compile(environment, known, text, use);
}

let functions: Environment | undefined;

/** Registering them takes longer than compiling a contract, so it is done once. */
function withFunctions(): Environment {
  if (functions !== undefined) return functions;
  functions = new Environment({ limits: LIMITS });
  for (const name of UNIT_FUNCTIONS.keys()) functions.registerFunction(`${name}(double): double`, neverCalled);
  functions.registerFunction(`${UNIT_FUNCTION}(double, string): double`, neverCalled);
  for (const entry of FUNCTIONS.values()) {
    for (const parameters of entry.overloads) functions.registerFunction(signatureOf(entry, parameters), neverCalled);
  }
  return functions;
}

/** The library checks types; the closures of build.ts compute. */
function neverCalled(): never {
  throw new Error('an expression was evaluated by the library');
}

function signatureOf({ name, result }: ExpressionFunction, parameters: readonly Parameter[]): string {
  return `${name}(${parameters.map(({ type }) => PARAMETER_TYPES[type]).join(', ')}): ${PARAMETER_TYPES[result.type]}`;
}

function compile(
  environment: Environment,
  known: ReadonlyMap<string, VariableDeclaration>,
  text: string,
  use: ExpressionUse,
): ExpressionOutcome {
  let program: ReturnType<Environment['parse']>;
  try {
    program = environment.parse(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const offset = Math.min(error.range?.start ?? 0, text.length);
    if (error.code === 'limit_exceeded') return refused('expression-limit', offset, error.summary.replace(/^Exceeded /, ''));
    return refused('expression-syntax', offset, text.slice(offset).trim().slice(0, 20) || '…');
  }
  const properties = checkSyntax(program.ast, (name) => known.has(name));
  if ('fault' in properties) return { ok: false, ...properties };
  const checked = program.check();
  if (!checked.valid) {
    const { error } = checked;
    const detail = error instanceof TypeFault ? error.summary.replace(/^no such overload: /, '') : String(error);
    return refused('expression-type', error?.range?.start ?? 0, detail);
  }
  if (use === 'condition' && checked.type !== 'bool') return refused('expression-not-bool', 0, checked.type ?? '');
  if (use === 'condition' && properties.size === 0) return refused('expression-constant', 0, '');
  const read = [...properties].sort().map((name): Variable => ({ name, ...(known.get(name) as VariableDeclaration) }));
  return finish(program.ast, text, read, checked.type ?? '');
}

function finish(root: SyntaxNode, text: string, variables: readonly Variable[], celType: string): ExpressionOutcome {
  const built = build(root, variables);
  if ('fault' in built) return { ok: false, ...built };
  const type = typeOf(built.whole);
  if (type === null) return refused('expression-type', 0, celType);
  return { ok: true, expression: compiledExpression(text, variables, type, built, (node) => serialize(node as ASTNode)) };
}

function refused(fault: ExpressionFault['fault'], offset: number, detail: string): ExpressionOutcome {
  return { ok: false, fault, offset, detail };
}
