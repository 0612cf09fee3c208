/** CEL (Common Expression Language) by @marcbachmann/cel-js: the only file that knows the library. */
import { Environment, ParseError, TypeError as TypeFault } from '@marcbachmann/cel-js';
import { checkSyntax } from './allow-list.ts';
import { AST_DEPTH_MAX, AST_NODES_MAX, type Expression, type ExpressionFault, LIST_ELEMENTS_MAX, type VariableType } from './expression.ts';

const LIMITS = { maxAstNodes: AST_NODES_MAX, maxDepth: AST_DEPTH_MAX, maxListElements: LIST_ELEMENTS_MAX, maxCallArguments: 4 };
/** CEL specification, "Syntax": reserved words, and two names no variable may have in this library. */
const RESERVED = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while prototype __proto__'.split(
    ' ',
  ),
);

export type ExpressionOutcome = { readonly ok: true; readonly expression: Expression } | ({ readonly ok: false } & ExpressionFault);
export type ExpressionCompiler = (text: string) => ExpressionOutcome;

/** A compiler for conditions over the given variables. A property with the name of a CEL keyword or type cannot be used. */
export function expressionCompiler(variables: ReadonlyMap<string, VariableType>): ExpressionCompiler {
  const environment = new Environment({ limits: LIMITS });
  const known = new Map<string, VariableType>();
  for (const [name, type] of variables) {
    if (RESERVED.has(name) || environment.hasVariable(name)) continue;
    environment.registerVariable(name, type === 'number' ? 'double' : 'dyn');
    known.set(name, type);
  }
  return (text) => compile(environment, known, text);
}

function compile(environment: Environment, known: ReadonlyMap<string, VariableType>, text: string): ExpressionOutcome {
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
  if (checked.type !== 'bool') return refused('expression-not-bool', 0, checked.type ?? '');
  if (properties.size === 0) return refused('expression-constant', 0, '');
  const read = [...properties].sort().map((name) => ({ name, type: known.get(name) as VariableType }));
  return { ok: true, expression: { variables: read, holds: (values) => evaluate(program, values) } };
}

function evaluate(
  program: (context: { readonly [property: string]: unknown }) => unknown,
  values: { readonly [property: string]: unknown },
) {
  try {
    return program(values) === true;
  } catch {
    // What the check could not see (an "any" of another type, a division by zero) is no statement about the reading.
    return null;
  }
}

function refused(fault: ExpressionFault['fault'], offset: number, detail: string): ExpressionOutcome {
  return { ok: false, fault, offset, detail };
}
