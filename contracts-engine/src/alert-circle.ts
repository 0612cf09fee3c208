/** Rules over alerts that come back to their own alerts, be it through other contracts. */
import type { Rule } from './contract.ts';

interface RuleName {
  readonly contract: string;
  readonly rule: string;
}

/**
 * @param rules of the contract that is checked
 * @param rulesOf rules of another contract; none when it is not known
 * @returns the first circle, from a rule of this contract back to it, as `rule → contract/rule → rule`; null when there is none
 */
export function findAlertCircle(contract: string, rules: readonly Rule[], rulesOf: (contract: string) => readonly Rule[]): string | null {
  const known = new Map([[contract, rules]]);
  const sourcesOf = (name: RuleName): readonly RuleName[] => {
    const its = known.get(name.contract) ?? rulesOf(name.contract);
    known.set(name.contract, its);
    const rule = its.find(({ id }) => id === name.rule);
    return rule?.kind === 'alerts' ? rule.frame.alerts.map(({ source }) => source) : [];
  };
  for (const { id } of rules) {
    const path = pathBack({ contract, rule: id }, sourcesOf);
    if (path !== null) return path.map((name) => (name.contract === contract ? name.rule : `${name.contract}/${name.rule}`)).join(' → ');
  }
  return null;
}

/** The shortest way from a rule to itself. Each rule is visited once, so the number of all rules bounds it. */
function pathBack(start: RuleName, sourcesOf: (name: RuleName) => readonly RuleName[]): readonly RuleName[] | null {
  const seen = new Set<string>();
  const paths: (readonly RuleName[])[] = [[start]];
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    for (const source of sourcesOf(path.at(-1) as RuleName)) {
      const { contract, rule } = source;
      if (contract === start.contract && rule === start.rule) return [...path, start];
      const key = `${contract}/${rule}`;
      if (!seen.has(key)) paths.push([...path, { contract, rule }]);
      seen.add(key);
    }
  }
  return null;
}
