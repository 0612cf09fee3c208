/** Contracts over time: drafts, versions and from when to when each was in force. All of it follows from the records. */
import type { ContractDraft, ContractRecord, ContractWithdrawal } from '@airtight/protocol';

export interface ContractInForce {
  readonly agency: string;
  readonly position: number;
  /** Epoch ms: when it came or comes into force. The engine takes it at the first tick at or after that. */
  readonly since: number;
  readonly record: ContractRecord;
  /** Id of the approver's own key, where the record carries that signature. */
  readonly key: string | null;
}

/** A record of a contract as the evidence of an alert needs it. */
export interface ContractEvent {
  readonly position: number;
  readonly record: ContractRecord | ContractWithdrawal;
}

export interface DraftOnRecord {
  readonly position: number;
  readonly record: ContractDraft;
  /** Id of the author's own key, where the record carries that signature. */
  readonly key: string | null;
  readonly state: 'open' | 'approved' | 'withdrawn';
}

/** Position and time of receipt of a withdrawal. */
export interface Withdrawn {
  readonly position: number;
  readonly at: number;
  readonly record: ContractWithdrawal;
}

export class ContractHistory {
  readonly #versions = new Map<string, ContractInForce[]>();
  readonly #withdrawals = new Map<string, Withdrawn[]>();
  readonly #drafts = new Map<string, DraftOnRecord>();

  propose(position: number, record: ContractDraft, key: string | null): void {
    if (!this.#drafts.has(record.draft)) this.#drafts.set(record.draft, { position, record, key, state: 'open' });
  }

  enact(version: ContractInForce): void {
    const { record } = version;
    this.#versions.set(record.contract, [...(this.#versions.get(record.contract) ?? []), version]);
    if (record.draft !== undefined) this.#settle(record.draft, 'approved');
  }

  withdraw(position: number, at: number, record: ContractWithdrawal): void {
    if (record.draft !== undefined) return this.#settle(record.draft, 'withdrawn');
    this.#withdrawals.set(record.contract, [...(this.#withdrawals.get(record.contract) ?? []), { position, at, record }]);
  }

  /** Drafts, newest first. */
  drafts(): readonly DraftOnRecord[] {
    return [...this.#drafts.values()].reverse();
  }

  draft(id: string): DraftOnRecord | undefined {
    return this.#drafts.get(id);
  }

  /** Contracts of which any version is on record. */
  names(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** Versions of a contract and withdrawals, in order of position. */
  of(contract: string): readonly ContractEvent[] {
    const withdrawn = this.#withdrawals.get(contract) ?? [];
    return [...(this.#versions.get(contract) ?? []), ...withdrawn].sort((a, b) => a.position - b.position);
  }

  /** All versions of a contract, in order of the time they came or come into force. */
  versions(contract: string): readonly ContractInForce[] {
    return [...(this.#versions.get(contract) ?? [])].sort((a, b) => a.since - b.since || a.position - b.position);
  }

  /**
   * How a version ended. `until`: epoch ms from which it was not in force any more, not after a later version's `since`; null
   * while nothing ends it. Withdrawn before its `since` it never came into force.
   */
  end(version: ContractInForce): { readonly until: number | null; readonly withdrawn: Withdrawn | null } {
    const { contract, version: name } = version.record;
    const withdrawn =
      this.#withdrawals.get(contract)?.find((one) => one.position > version.position && one.record.version === name) ?? null;
    const all = this.versions(contract);
    const later = all.slice(all.indexOf(version) + 1).find((other) => !this.#withdrawnAt(other, other.since));
    const ends = [withdrawn?.at, later?.since].filter((at) => at !== undefined);
    return { until: ends.length === 0 ? null : Math.min(...ends), withdrawn };
  }

  /** Versions in force at a time, by name of the contract. @param at epoch ms */
  inForceAt(at: number): readonly ContractInForce[] {
    const names = [...this.names()].sort();
    return names.flatMap((name) => this.inForce(name, at) ?? []);
  }

  /** The version of a contract in force at a time. */
  inForce(contract: string, at: number): ContractInForce | undefined {
    // One that was withdrawn before its time never took the place of another.
    const last = this.versions(contract).findLast((version) => version.since <= at && !this.#withdrawnAt(version, version.since));
    return last === undefined || this.#withdrawnAt(last, at) ? undefined : last;
  }

  /** Versions that will come into force after a time. */
  scheduledAfter(at: number): readonly ContractInForce[] {
    return [...this.#versions.values()].flat().filter((version) => version.since > at && !this.#withdrawnAt(version, at));
  }

  /** True when a withdrawal of the version stands on record behind it, up to a time. */
  #withdrawnAt({ position, record }: ContractInForce, at: number): boolean {
    const withdrawn = this.#withdrawals.get(record.contract) ?? [];
    return withdrawn.some((one) => one.position > position && one.at <= at && one.record.version === record.version);
  }

  #settle(draft: string, state: DraftOnRecord['state']): void {
    const known = this.#drafts.get(draft);
    if (known?.state === 'open') this.#drafts.set(draft, { ...known, state });
  }
}
