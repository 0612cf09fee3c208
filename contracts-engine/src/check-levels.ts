/**
 * What simple conditions can never do: hold at all, be a level of their own, clear what they raise. Simple is a
 * comparison of one value with a number, or several of the same value joined by `&&`; of other conditions nothing is said.
 */
import { SEVERITIES } from '@airtight/protocol';
import type { ContractYaml } from './contract-yaml.ts';
import type { AskedLevel } from './read-rule.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The values of one variable for which a condition holds. */
interface Interval {
  readonly name: string;
  readonly low: number;
  readonly isLowIn: boolean;
  readonly high: number;
  readonly isHighIn: boolean;
}

const COMPARISON = /^\s*([A-Za-z_]\w*)\s*(<=|<|>=|>|==)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$/;

/** Faults levels that are out of order, can never be reached, or clear while they raise. */
export function checkLevels(yaml: ContractYaml, vocabulary: Vocabulary, levels: readonly AskedLevel[]): void {
  const intervals = levels.map(({ raise, clear }) => ({
    raise: intervalOf(raise.expression.text, vocabulary),
    clear: intervalOf(clear.expression.text, vocabulary),
  }));
  levels.forEach((level, index) => {
    const { raise, clear } = intervals[index] as (typeof intervals)[number];
    const before = levels[index - 1];
    if (before !== undefined && SEVERITIES.indexOf(before.severity) >= SEVERITIES.indexOf(level.severity))
      yaml.faultAt('level-unreachable', before.severity, level.node);
    for (const [interval, asked] of [
      [raise, level.raise],
      [clear, level.clear],
    ] as const) {
      if (interval !== null && isEmpty(interval)) yaml.faultAt('condition-never', asked.expression.text, asked.node);
    }
    if (raise !== null && clear !== null && raise.name === clear.name && !isEmpty(meet(raise, clear)))
      yaml.faultAt('clear-overlap', `${level.raise.expression.text} / ${level.clear.expression.text}`, level.clear.node);
    const isHidden = levels.some((above, other) => {
      const higher = intervals[other]?.raise ?? null;
      if (other <= index || raise === null || higher === null || raise.name !== higher.name) return false;
      const isPlain = level.raise.times === null && above.raise.times === null;
      return isPlain && contains(higher, raise) && above.raise.forMs <= level.raise.forMs;
    });
    if (isHidden) yaml.faultAt('level-unreachable', level.severity, level.node);
  });
}

function intervalOf(text: string, vocabulary: Vocabulary): Interval | null {
  let all: Interval | null = null;
  for (const part of text.split('&&')) {
    const [, name, operator, number] = COMPARISON.exec(part) ?? [];
    if (name === undefined || vocabulary.declarations.get(name)?.type !== 'number') return null;
    const own = compared(name, operator as string, Number(number));
    if (all !== null && all.name !== name) return null;
    all = all === null ? own : meet(all, own);
  }
  return all;
}

function compared(name: string, operator: string, number: number): Interval {
  const whole = { name, low: Number.NEGATIVE_INFINITY, isLowIn: false, high: Number.POSITIVE_INFINITY, isHighIn: false };
  if (operator === '==') return { name, low: number, isLowIn: true, high: number, isHighIn: true };
  const isIn = operator.endsWith('=');
  return operator.startsWith('<') ? { ...whole, high: number, isHighIn: isIn } : { ...whole, low: number, isLowIn: isIn };
}

function meet(a: Interval, b: Interval): Interval {
  const low = a.low > b.low || (a.low === b.low && !a.isLowIn) ? a : b;
  const high = a.high < b.high || (a.high === b.high && !a.isHighIn) ? a : b;
  return { name: a.name, low: low.low, isLowIn: low.isLowIn, high: high.high, isHighIn: high.isHighIn };
}

function isEmpty({ low, isLowIn, high, isHighIn }: Interval): boolean {
  return low > high || (low === high && !(isLowIn && isHighIn));
}

function contains(outer: Interval, inner: Interval): boolean {
  const both = meet(outer, inner);
  return both.low === inner.low && both.isLowIn === inner.isLowIn && both.high === inner.high && both.isHighIn === inner.isHighIn;
}
