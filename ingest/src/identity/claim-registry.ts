/** Open claim codes and fleets: the `sys.claims` records folded. */
import type { ClaimRecord, FleetRecord } from '@airtight/protocol';

export class ClaimRegistry {
  /** Used ones leave. */
  readonly #claims = new Map<string, ClaimRecord>();
  readonly #fleets = new Map<string, FleetRecord>();

  get openClaims(): number {
    return this.#claims.size;
  }

  claim(id: string): ClaimRecord | undefined {
    return this.#claims.get(id);
  }

  fleet(name: string): FleetRecord | undefined {
    return this.#fleets.get(name);
  }

  fleets(): FleetRecord[] {
    return [...this.#fleets.values()];
  }

  set(record: ClaimRecord | FleetRecord): void {
    if (record.type === 'fleet') this.#fleets.set(record.fleet, record);
    else if (record.claimedAt === undefined) this.#claims.set(record.id, record);
    else this.#claims.delete(record.id);
  }

  /** Forgets codes that can no longer be claimed. @param now epoch ms */
  dropExpired(now: number): void {
    for (const { id, validTo } of this.#claims.values()) if (validTo <= now) this.#claims.delete(id);
  }

  all(): (ClaimRecord | FleetRecord)[] {
    return [...this.#claims.values(), ...this.#fleets.values()];
  }
}
