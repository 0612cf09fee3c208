import type { FaultName } from '../contract-fault.ts';
import type { SyntaxNode } from './allow-list.ts';
import type { ExpressionFault } from './expression.ts';
import { type Unit, unitName } from './unit-rules.ts';

/** What ends the building of an expression. Thrown inside the builder alone: `build` turns it into a value. */
export class BuildFault extends Error {
  readonly fault: ExpressionFault;

  constructor(fault: FaultName, node: SyntaxNode, detail: string) {
    super(fault);
    this.fault = { fault, offset: node.start, detail };
  }
}

export function mismatch(node: SyntaxNode, a: Unit, b: Unit): BuildFault {
  return new BuildFault('unit-mismatch', node, `${unitName(a)}, ${unitName(b)}`);
}
