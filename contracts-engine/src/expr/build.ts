/** From the checked tree to closures: types and units known, costs summed, constants computed once. */
import type { SyntaxNode } from './allow-list.ts';
import { buildCall } from './build-call.ts';
import { BuildFault, mismatch } from './build-fault.ts';
import { COST_MAX, type ExpressionFault, type Variable } from './expression.ts';
import * as operators from './operators.ts';
import { BARE_BOOL, BARE_TEXT, type Built, combine, type Kind, type Run, type Shape, shapeOf, type Value } from './shape.ts';
import { commonUnit, productUnit, quotientUnit, type Unit, unitName } from './unit-rules.ts';

/** Comparisons' worth of looking through a text. */
const TEXT_COST = 10;
/** The element of a list that a macro looks at. One cell each, as macros do not nest. */
interface Iteration {
  readonly name: string;
  readonly shape: Shape;
  readonly cell: { value: Value };
}

/** A sub-expression that is worth showing: neither a name nor a literal, nor inside of a macro. */
export interface BuiltStep {
  readonly node: SyntaxNode;
  readonly run: Run;
}

export interface BuiltExpression {
  readonly whole: Built;
  readonly steps: readonly BuiltStep[];
}

/**
 * Builds a tree that has passed the allow-list and CEL's type check.
 * @param variables in the order of their slots
 * @returns `unit-…`, `function-argument`, `expression-cost`, `expression-limit` where the tree breaks a rule of ours
 */
export function build(root: SyntaxNode, variables: readonly Variable[]): BuiltExpression | ExpressionFault {
  const builder = new Builder(variables);
  try {
    const whole = builder.build(root);
    if (whole.cost > COST_MAX) return { fault: 'expression-cost', offset: 0, detail: `${whole.cost} > ${COST_MAX}` };
    return { whole, steps: builder.steps };
  } catch (error) {
    if (error instanceof BuildFault) return error.fault;
    throw error;
  }
}

class Builder {
  readonly steps: BuiltStep[] = [];
  readonly #variables: readonly Variable[];
  #iteration: Iteration | null = null;

  constructor(variables: readonly Variable[]) {
    this.#variables = variables;
  }

  build(node: SyntaxNode): Built {
    if (node.op === 'value') return literal(node);
    if (node.op === 'id') return this.#name(node.args as string);
    const index = this.steps.length;
    const built = this.#operation(node);
    const folded = built.constant === undefined ? built : { ...built, run: constantRun(built.constant) };
    // The whole stands before its parts.
    if (this.#iteration === null) this.steps.splice(index, 0, { node, run: folded.run });
    return folded;
  }

  #operation(node: SyntaxNode): Built {
    switch (node.op) {
      case 'list':
        return this.#list(node);
      case 'call':
        return buildCall(node, (argument) => this.build(argument));
      case 'rcall':
        return this.#method(node);
      case '?:':
        return this.#choice(node);
      case '!_':
        return this.#unary(node, operators.not, BARE_BOOL);
      case '-_':
        return this.#unary(node, operators.negate, null);
      default:
        return this.#binary(node);
    }
  }

  #unary(node: SyntaxNode, operator: (operand: Run) => Run, shape: Shape | null): Built {
    const operand = this.build(node.args as SyntaxNode);
    return combine([operand], shape ?? { ...shapeOf(operand), derived: true }, operator(operand.run));
  }

  #binary(node: SyntaxNode): Built {
    const [left, right] = (node.args as [SyntaxNode, SyntaxNode]).map((operand) => this.build(operand)) as [Built, Built];
    const both = [left, right];
    switch (node.op) {
      case '&&':
        return combine(both, BARE_BOOL, operators.and(left.run, right.run));
      case '||':
        return combine(both, BARE_BOOL, operators.or(left.run, right.run));
      case '==':
      case '!=':
        matchUnits(node, left, right);
        return combine(both, BARE_BOOL, operators.equal(left.run, right.run, node.op === '!='), Math.min(left.length, right.length));
      case 'in':
        matchUnits(node, left, right);
        return combine(both, BARE_BOOL, operators.isIn(left.run, right.run), right.length);
      case '<':
      case '<=':
      case '>':
      case '>=':
        matchUnits(node, left, right);
        return combine(both, BARE_BOOL, operators.compare(node.op, left, right));
      default:
        return arithmetic(node, left, right);
    }
  }

  #list(node: SyntaxNode): Built {
    const elements = (node.args as SyntaxNode[]).map((element) => this.build(element));
    const unit = elements.reduce((sofar: Unit, element, i) => {
      const common = commonUnit(sofar, element.unit);
      if (common === undefined) throw mismatch((node.args as SyntaxNode[])[i] as SyntaxNode, sofar, element.unit);
      return common;
    }, null);
    const [first] = elements;
    const longest = Math.max(0, ...elements.map(({ length }) => length));
    const element =
      first === undefined ? null : { ...shapeOf(first), unit, length: longest, derived: elements.some(({ derived }) => derived) };
    const runs = elements.map(({ run }) => run);
    const shape: Shape = { kind: 'list', unit, derived: element?.derived ?? false, element, length: elements.length };
    return combine(elements, shape, listOf(runs));
  }

  #choice(node: SyntaxNode): Built {
    const [condition, then, otherwise] = (node.args as SyntaxNode[]).map((operand) => this.build(operand)) as [Built, Built, Built];
    const unit = matchUnits(node, then, otherwise);
    const kind: Kind = then.kind === otherwise.kind ? then.kind : 'any';
    const shape = { ...merged(then, otherwise), kind, unit };
    const built = combine([condition, then, otherwise], shape, operators.choose(condition.run, then.run, otherwise.run));
    return { ...built, cost: 1 + condition.cost + Math.max(then.cost, otherwise.cost) };
  }

  #method(node: SyntaxNode): Built {
    const [name, target, args] = node.args as [string, SyntaxNode, SyntaxNode[]];
    const receiver = this.build(target);
    if (name === 'all' || name === 'exists' || name === 'exists_one') return this.#macro(name, receiver, args);
    const argument = this.build(args[0] as SyntaxNode);
    return combine([receiver, argument], BARE_BOOL, textMethod(name, receiver.run, argument.run), TEXT_COST);
  }

  #macro(name: string, receiver: Built, [variable, body]: SyntaxNode[]): Built {
    const cell: { value: Value } = { value: null };
    const element = receiver.element ?? { ...BARE_BOOL, kind: 'any' };
    this.#iteration = { name: (variable as SyntaxNode).args as string, shape: element, cell };
    const predicate = this.build(body as SyntaxNode);
    this.#iteration = null;
    const built = combine([receiver], BARE_BOOL, macro(name, receiver.run, predicate.run, cell), receiver.length * predicate.cost);
    // The predicate may read variables.
    return { ...built, constant: undefined };
  }

  #name(name: string): Built {
    const iteration = this.#iteration;
    if (iteration !== null && name === iteration.name) {
      const { cell } = iteration;
      return { ...iteration.shape, run: () => cell.value, cost: 1, constant: undefined, slot: -1 };
    }
    const slot = this.#variables.findIndex((variable) => variable.name === name);
    const variable = this.#variables[slot] as Variable;
    return {
      ...shapeOfVariable(variable),
      run: readSlot(slot, variable),
      cost: 1,
      constant: undefined,
      slot: variable.type === 'number' ? slot : -1,
    };
  }
}

function matchUnits(node: SyntaxNode, left: Shape, right: Shape): Unit {
  const unit = commonUnit(left.unit, right.unit);
  if (unit === undefined) throw mismatch(node, left.unit, right.unit);
  return unit;
}

function arithmetic(node: SyntaxNode, left: Built, right: Built): Built {
  const operator = node.op as operators.Arithmetic;
  const unit = arithmeticUnit(node, left, right);
  const { kind, element, length } = merged(left, right);
  const isConcatenation = kind === 'list';
  const total = left.length + right.length;
  const shape: Shape = {
    kind,
    unit,
    derived: !isConcatenation || left.derived || right.derived,
    element,
    length: isConcatenation ? total : length,
  };
  return combine([left, right], shape, operators.arithmetic(operator, left, right), isConcatenation ? total : 0);
}

function arithmeticUnit(node: SyntaxNode, left: Built, right: Built): Unit {
  if (node.op !== '*' && node.op !== '/') return matchUnits(node, left, right);
  const unit = node.op === '*' ? productUnit(left.unit, right.unit) : quotientUnit(left.unit, right.unit);
  if (unit === undefined) throw new BuildFault('unit-product', node, `${unitName(left.unit)} ${node.op} ${unitName(right.unit)}`);
  return unit;
}

/** cel-spec, "Aggregate Values": an error in an element is the error of the list. */
function listOf(runs: readonly Run[]): Run {
  return (slots, at) => {
    const elements: Value[] = [];
    for (const run of runs) {
      const value = run(slots, at);
      if (value === null) return null;
      elements.push(value);
    }
    return elements;
  };
}

/** What holds of either of two shapes. */
function merged(a: Shape, b: Shape): Shape {
  const element = a.element === null || b.element === null ? (a.element ?? b.element) : merged(a.element, b.element);
  return {
    kind: a.kind === b.kind ? a.kind : 'any',
    unit: a.unit ?? b.unit,
    derived: a.derived || b.derived,
    element: element === null ? null : { ...element, unit: a.unit ?? b.unit },
    length: Math.max(a.length, b.length),
  };
}

function literal(node: SyntaxNode): Built {
  const value = node.args as number | bigint | string | boolean;
  const kind: Kind = typeof value === 'number' ? 'number' : typeof value === 'bigint' ? 'int' : typeof value === 'string' ? 'text' : 'bool';
  return { ...(kind === 'text' ? BARE_TEXT : BARE_BOOL), kind, run: constantRun(value), cost: 1, constant: value, slot: -1 };
}

function constantRun(value: Value): Run {
  return () => value;
}

/** Texts and yes/no have no unit. */
function shapeOfVariable({ type, unit, maxLength = 0 }: Variable): Shape {
  if (type === 'numbers') {
    const element: Shape = { kind: 'number', unit, derived: false, element: null, length: 0 };
    return { kind: 'list', unit, derived: false, element, length: maxLength };
  }
  const hasUnit = type === 'number' || type === 'any';
  return { kind: type, unit: hasUnit ? unit : null, derived: false, element: null, length: 0 };
}

function readSlot(slot: number, { type, maxLength = 0 }: Variable): Run {
  if (type === 'numbers') {
    return (slots) => {
      const value = slots[slot];
      return Array.isArray(value) && value.length <= maxLength ? value : null;
    };
  }
  if (type === 'any') {
    return (slots) => {
      const value = slots[slot];
      return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null;
    };
  }
  if (type === 'number') {
    return (slots) => {
      const value = slots[slot];
      return typeof value === 'number' ? value : null;
    };
  }
  const isText = type === 'text';
  return (slots) => {
    const value = slots[slot];
    return typeof value === (isText ? 'string' : 'boolean') ? (value as string | boolean) : null;
  };
}

function textMethod(name: string, receiver: Run, argument: Run): Run {
  const method = name as 'startsWith' | 'endsWith' | 'contains';
  const holds =
    method === 'contains' ? (text: string, part: string) => text.includes(part) : (text: string, part: string) => text[method](part);
  return (slots, at) => {
    const [text, part] = [receiver(slots, at), argument(slots, at)];
    return typeof text === 'string' && typeof part === 'string' ? holds(text, part) : null;
  };
}

/** cel-spec, "Macros": all and exists absorb an error as && and || do; exists_one does not. */
function macro(name: string, list: Run, predicate: Run, cell: { value: Value }): Run {
  const decisive = name !== 'all';
  return (slots, at) => {
    const elements = list(slots, at);
    if (!Array.isArray(elements)) return null;
    let known = true;
    let found = 0;
    for (const element of elements as readonly Value[]) {
      cell.value = element;
      const holds = predicate(slots, at);
      if (typeof holds !== 'boolean') known = false;
      else if (holds === decisive) {
        if (name !== 'exists_one') return decisive;
        found++;
      }
    }
    if (!known) return null;
    return name === 'exists_one' ? found === 1 : !decisive;
  };
}
