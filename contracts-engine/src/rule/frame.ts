/** Fills a rule's frame: what it reads at an instant. */

import { isWithin } from '../calendar.ts';
import type { Frame, Rule } from '../contract.ts';
import { NO_FLAGS } from '../reading.ts';
import { compute, type Values } from './probe.ts';
import type { Reading, Series } from './series.ts';
import { hasVerdicts, isAccepted, windowValue } from './window.ts';
import type { WindowContext } from './window-context.ts';

/** What there is to say of one producer at one reading. */
export function fillFromSeries(
  rule: Extract<Rule, { kind: 'series' }>,
  reading: Reading,
  series: Series,
  context: WindowContext,
  values: Values,
): boolean {
  const { frame } = rule;
  if (reading.lateByMs > context.latenessMs || !fillProperties(rule, reading, values)) return false;
  if (frame.isPlain) return true;
  for (const { slot, window } of frame.windows) values[slot] = windowValue(window, series, reading.at, context);
  fillRest(frame, reading.at, values);
  return true;
}

/** @returns false when a property is missing, of the wrong type, or has a flag that is not accepted */
export function fillProperties({ frame, input }: Extract<Rule, { kind: 'series' | 'grid' }>, reading: Reading, values: Values): boolean {
  const { properties } = frame;
  for (let i = 0; i < properties.length; i++) {
    const { slot, name, isNumber } = properties[i] as (typeof properties)[number];
    const value = reading.values[name];
    // A property may be called `constructor`: what an object has by itself is neither of these.
    if (typeof value !== 'number' && (isNumber || (typeof value !== 'string' && typeof value !== 'boolean'))) return false;
    if ((reading.flags !== NO_FLAGS || hasVerdicts(input, reading)) && !isAccepted(input, reading, name)) return false;
    values[slot] = value;
  }
  return true;
}

/** What follows from the time and from the other values. */
export function fillRest(frame: Frame, at: number, values: Values): void {
  for (const { slot, schedule } of frame.schedules) values[slot] = isWithin(schedule, at);
  for (const { slot, probe } of frame.lets) values[slot] = compute(probe, values, at);
}
