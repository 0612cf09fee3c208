/**
 * What an alert tells of the values it was raised for. An alert is a record for ever, and values of a confidential dataset can
 * be erased: so such an alert names the records that are its evidence, and none of their values.
 */
import type { AlertValues } from '@airtight/protocol';
import type { Rule } from '../contract.ts';
import { type EngineState, inputsOf } from '../engine-state.ts';

const NONE: AlertValues = {};

/** @returns the values; none when any of them can be of a confidential dataset */
export function toldValues({ datasets }: EngineState, rule: Rule, values: AlertValues): AlertValues {
  const isHidden = (dataset: string): boolean => datasets.get(dataset)?.confidential === true;
  return isHidden(rule.dataset) || inputsOf(rule).some(({ dataset }) => isHidden(dataset)) ? NONE : values;
}
