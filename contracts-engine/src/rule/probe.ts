/** Asking an expression with the values of a rule's frame. */
import type { AlertValues, Result } from '@airtight/protocol';
import type { Condition, Frame, Probe } from '../contract.ts';
import type { Computed, Input } from '../expr/expression.ts';

/** The values of a rule at one instant, by slot; null or undefined: not known. */
export type Values = (Input | undefined)[];

/** Filled anew for every expression: nothing of it outlives the call. */
const slots: (Input | undefined)[] = [];

/** What an expression comes to; null when it cannot be computed. */
export function compute({ expression, from, isInPlace }: Probe, values: Values, at: number): Computed {
  if (isInPlace) return expression.run(values as Input[], at);
  for (let i = 0; i < from.length; i++) slots[i] = values[from[i] as number];
  return expression.run(slots as Input[], at);
}

/** True or false; null when it cannot be told. */
export function holds(probe: Probe, values: Values, at: number): boolean | null {
  const value = compute(probe, values, at);
  return value === true ? true : value === false ? false : null;
}

/** Every value a condition read, by name: properties, windows and lets. A list stands there as JSON. */
export function valuesRead({ names }: Frame, { reads }: Condition, values: Values): AlertValues {
  const read: { [name: string]: Result } = {};
  for (const slot of reads) {
    const value = values[slot];
    if (value === null || value === undefined) continue;
    read[names[slot] as string] = typeof value === 'object' ? JSON.stringify(value) : value;
  }
  return read;
}
