/** What the contract and the dataset of an alert say of it to those who do not know our rules. */
import { type Contract, isForetold, parseContract } from '@airtight/contracts-engine';
import type { AlertItem, Bilingual } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import type { CapSubject } from './cap-message.ts';

type Control = Pick<ControlState, 'contractHistory' | 'datasets'>;

/** Contracts are read again only when there are others: reading one takes milliseconds. */
const KEPT_MAX = 200;

/** Alerts that the platform raises itself have no contract. */
const OWN: Bilingual = { zh: '平台自检', en: 'Platform integrity' };

export class AlertRules {
  readonly #control: Control;
  readonly #contracts = new Map<string, Contract | undefined>();

  constructor(control: Control) {
    this.#control = control;
  }

  /** @param item of the alert: its contract as it was in force, by its version */
  about({ contract, version, rule, dataset }: Pick<AlertItem, 'contract' | 'version' | 'rule' | 'dataset'>): CapSubject {
    const category = this.#control.datasets.current(dataset)?.category;
    const found = this.#contract(contract, version);
    const own = found?.rules.find(({ id }) => id === rule);
    return {
      event: found?.title ?? (contract.startsWith('sys.') ? OWN : { zh: contract, en: contract }),
      category: category === undefined ? ['Other'] : [category],
      isForetold: own !== undefined && isForetold(own, (source) => this.#sourceOf(found, source)),
    };
  }

  #sourceOf(own: Contract | undefined, { contract, rule }: { readonly contract: string; readonly rule: string }) {
    const found = contract === own?.contract ? own : this.#contract(contract, undefined);
    return found?.rules.find(({ id }) => id === rule);
  }

  /** @param version undefined: the newest */
  #contract(name: string, version: string | undefined): Contract | undefined {
    const { contractHistory, datasets } = this.#control;
    const versions = contractHistory.versions(name);
    const known = version === undefined ? versions.at(-1) : versions.findLast(({ record }) => record.version === version);
    if (known === undefined) return undefined;
    const key = `${name} ${known.record.version}`;
    if (this.#contracts.has(key)) return this.#contracts.get(key);
    const outcome = parseContract(known.record.text, new Map(datasets.all().map((definition) => [definition.dataset, definition])));
    if (this.#contracts.size >= KEPT_MAX) this.#contracts.clear();
    this.#contracts.set(key, outcome.ok ? outcome.contract : undefined);
    return outcome.ok ? outcome.contract : undefined;
  }
}
