/** Calls of functions: which way it is called, whether each argument has the unit it must have, what it costs. */
import { applyConversion } from '@airtight/standards/units.ts';
import type { SyntaxNode } from './allow-list.ts';
import { BuildFault, mismatch } from './build-fault.ts';
import { type ExpressionFunction, FUNCTIONS, type Parameter, type ParameterUnit } from './functions.ts';
import { BARE_BOOL, BARE_TEXT, type Built, celTypeOf, combine, type Run, type Shape, shapeOf, type Value } from './shape.ts';
import { commonUnit, shiftsZero, UNIT_FUNCTION, UNIT_FUNCTIONS, type Unit, unitConversion } from './unit-rules.ts';

/** Exact conversion goes through whole numbers of any size. */
const CONVERSION_COST = 300;

export function buildCall(node: SyntaxNode, build: (argument: SyntaxNode) => Built): Built {
  const [name, nodes] = node.args as [string, SyntaxNode[]];
  const args = nodes.map(build);
  const own = UNIT_FUNCTIONS.get(name);
  if (own !== undefined) return inUnit(node, args[0] as Built, own);
  if (name === UNIT_FUNCTION) return inUnit(node, args[0] as Built, writtenOut(nodes[1] as SyntaxNode, args[1] as Built, 'unit'));
  return applied(FUNCTIONS.get(name) as ExpressionFunction, node, nodes, args);
}

function writtenOut(node: SyntaxNode, { constant }: Built, name: string): string {
  if (typeof constant === 'string') return constant;
  throw new BuildFault('function-argument', node, `${name}: "…"`);
}

/** A bare number takes the unit; one with a unit of the same quantity is converted, exactly. */
function inUnit(node: SyntaxNode, operand: Built, unit: string): Built {
  const conversion = unitConversion(operand.unit, unit);
  const shape: Shape = { ...shapeOf(operand), kind: 'number', unit };
  if (conversion === 'unknown') throw new BuildFault('unit-unknown', node, unit);
  if (typeof conversion === 'string') throw mismatch(node, operand.unit, unit);
  const known: Run = onlyNumber(operand.run);
  if (conversion === null || conversion.identical) return combine([operand], shape, operand.kind === 'number' ? operand.run : known);
  // 5 °C − 3 °C are 2 K and not 275.15 K.
  if (operand.derived && shiftsZero(conversion)) throw new BuildFault('unit-scale', node, `${operand.unit} → ${unit}`);
  const run: Run = (slots, at) => {
    const x = known(slots, at);
    return Number.isFinite(x) ? applyConversion(x as number, conversion) : x;
  };
  return combine([operand], shape, run, CONVERSION_COST);
}

function onlyNumber(run: Run): Run {
  return (slots, at) => {
    const x = run(slots, at);
    return typeof x === 'number' ? x : null;
  };
}

function applied(called: ExpressionFunction, node: SyntaxNode, nodes: readonly SyntaxNode[], args: readonly Built[]): Built {
  const parameters = overloadOf(called, node, args);
  const texts = args.flatMap(({ constant }) => (typeof constant === 'string' ? [constant] : []));
  const unitOf = (unit: ParameterUnit | null | undefined): Unit => (typeof unit === 'function' ? unit(texts) : (unit ?? null));
  let shared: Unit = null;
  for (const [i, parameter] of parameters.entries()) {
    const [argument, at] = [args[i] as Built, nodes[i] as SyntaxNode];
    checkChoice(parameter, argument, at);
    if (parameter.unit === undefined) continue;
    const wanted = parameter.unit === 'same' ? shared : unitOf(parameter.unit);
    const common = commonUnit(wanted, argument.unit);
    if (common === undefined) throw mismatch(at, wanted, argument.unit);
    if (parameter.unit === 'same') shared = common;
  }
  const isSame = called.result.unit === 'same';
  const unit = isSame ? shared : unitOf(called.result.unit);
  const derived = isSame && args.some((argument) => argument.derived);
  const shape: Shape = called.result.type === 'text' ? BARE_TEXT : { ...BARE_BOOL, kind: 'number', unit, derived };
  const elements = args.reduce((sum, { length }) => sum + length, 0);
  const built = combine(args, shape, call(called, parameters, args), called.cost + elements * (called.costPerElement ?? 0));
  // The edition in force depends on the time.
  return { ...built, constant: undefined };
}

/** The first way to call it that fits. CEL's check has found one; an `any` fits every number and text. */
function overloadOf(called: ExpressionFunction, node: SyntaxNode, args: readonly Built[]): readonly Parameter[] {
  const found = called.overloads.find(
    (parameters) => parameters.length === args.length && parameters.every((parameter, i) => fits(parameter, args[i] as Built)),
  );
  if (found === undefined) throw new BuildFault('expression-type', node, `${called.name}(${args.map(celTypeOf).join(', ')})`);
  return found;
}

function fits({ type }: Parameter, { kind, element }: Built): boolean {
  if (type === 'numbers') return kind === 'list' && (element === null || element.kind === 'number' || element.kind === 'any');
  return kind === type || (kind === 'any' && type !== 'int');
}

function checkChoice({ name, choices }: Parameter, { constant }: Built, node: SyntaxNode): void {
  if (choices === undefined || choices.includes(constant as string | bigint)) return;
  throw new BuildFault('function-argument', node, `${name}: ${choices.join(', ')}`);
}

const JS_TYPES = { number: 'number', text: 'string', int: 'bigint', numbers: 'object' } as const;

function call({ run }: ExpressionFunction, parameters: readonly Parameter[], args: readonly Built[]): Run {
  const runs = args.map((argument) => argument.run);
  return (slots, at) => {
    const values: Value[] = [];
    for (let i = 0; i < runs.length; i++) {
      const value = (runs[i] as Run)(slots, at);
      const { type, mayMiss } = parameters[i] as Parameter;
      const isKnown = value !== null && typeof value === JS_TYPES[type];
      if (!isKnown && mayMiss !== true) return null;
      values.push(isKnown ? value : null);
    }
    return run(values, at);
  };
}
