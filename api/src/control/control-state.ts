/** Control data as the journal has it so far, folded into memory: the last record for a key wins. */
import {
  type ChannelRecord,
  type ContractRecord,
  DatasetRegistry,
  type DeviceRecord,
  type KeyRecord,
  type RecordHeader,
  type TokenRecord,
  toDeviceRecord,
  type UserRecord,
} from '@airtight/protocol';
import type { ControlEvent } from '../decode/decoder.ts';
import { RegionBook } from '../regions/region-book.ts';
import { type ContractEvent, ContractHistory, type ContractInForce } from './contract-history.ts';
import { ManualFlags } from './manual-flags.ts';

export interface KeyOnRecord {
  readonly position: number;
  readonly record: KeyRecord;
}

export class ControlState {
  readonly flags = new ManualFlags();
  readonly datasets = new DatasetRegistry();
  readonly producers = new Map<string, DeviceRecord>();
  readonly contractHistory = new ContractHistory();
  readonly users = new Map<string, UserRecord>();
  readonly tokens = new Map<string, TokenRecord>();
  /** Those that were removed as well: a name is not used twice. */
  readonly channels = new Map<string, ChannelRecord>();
  /** Positions at which they were set up: they carry what comes after. */
  readonly channelsSince = new Map<string, number>();
  /** What was exchanged with other regions. */
  readonly regionBook = new RegionBook();
  /** Positions of each contract's records by its version: the proof of an alert brings its contract along. */
  readonly #contractVersions = new Map<string, number[]>();
  /** Records of each signing key in their order, by producer and kid: a proof of a signed reading brings one along. */
  readonly #signingKeys = new Map<string, KeyOnRecord[]>();
  /** Newest record of each key of a person, by person and kid. */
  readonly #personKeys = new Map<string, Map<string, KeyOnRecord>>();
  #through = -1;

  /** What was on record of a signing key before a position. */
  signingKeyAt(producer: string, kid: string, position: number): KeyOnRecord | undefined {
    return this.#signingKeys.get(`${producer} ${kid}`)?.findLast((known) => known.position < position);
  }

  /** Keys with which a person signs or signed, oldest first. */
  personKeys(person: string): readonly KeyOnRecord[] {
    return [...(this.#personKeys.get(person)?.values() ?? [])];
  }

  /** People who have or had a signing key. */
  get signers(): readonly string[] {
    return [...this.#personKeys.keys()];
  }

  /** Records of a contract, and withdrawals of it, in order of position. */
  contractRecords(contract: string): readonly ContractEvent[] {
    return this.contractHistory.of(contract);
  }

  /** Position of the record by which this version of a contract was in force last before a position. */
  contractAt({ contract, version }: Pick<ContractRecord, 'contract' | 'version'>, position: number): number | undefined {
    return this.#contractVersions.get(`${contract} ${version}`)?.findLast((known) => known < position);
  }

  /** Takes the next control record; one at or before the last taken position is known already. */
  take(
    event: Pick<ControlEvent, 'position' | 'record'> & { readonly header: Pick<RecordHeader, 'agency' | 'receivedAt' | 'signature'> },
  ): void {
    if (event.position <= this.#through) return;
    this.#through = event.position;
    const { record, position, header } = event;
    const signedWith = header.signature?.kid ?? null;
    switch (record.type) {
      case 'device':
        this.producers.set(record.producer, toDeviceRecord(record));
        return;
      case 'key':
        this.#takeKey({ position, record });
        return;
      // What enrols devices is ingest's concern.
      case 'claim':
      case 'fleet':
        return;
      case 'dataset':
        this.datasets.define(position, record);
        return;
      case 'flag':
        this.flags.take(position, record, signedWith);
        return;
      case 'contract':
        this.#takeContract({
          ...{ agency: header.agency, position, record, key: signedWith },
          since: Math.max(header.receivedAt, record.effectiveFrom ?? 0),
        });
        return;
      case 'contract-draft':
        this.contractHistory.propose(position, record, signedWith);
        return;
      case 'contract-withdrawal':
        this.contractHistory.withdraw(position, header.receivedAt, record);
        return;
      case 'user':
        this.users.set(record.name, record);
        return;
      case 'token':
        this.tokens.set(record.id, record);
        return;
      case 'channel':
        if (this.channels.get(record.channel)?.removed !== false) this.channelsSince.set(record.channel, position);
        this.channels.set(record.channel, record);
        return;
      case 'region-alert':
      case 'region-receipt':
      case 'region-act':
        this.regionBook.take(position, header.receivedAt, record);
        return;
      case 'deliveries':
      case 'tick':
      case 'release':
      case 'import':
      case 'storage-fault':
      case 'retention':
      case 'erasure':
      case 'salt-keys':
      case 'gap':
        // Not kept in memory: the table answers for them.
        return;
    }
  }

  #takeContract(contract: ContractInForce): void {
    const { record, position } = contract;
    this.contractHistory.enact(contract);
    const id = `${record.contract} ${record.version}`;
    this.#contractVersions.set(id, [...(this.#contractVersions.get(id) ?? []), position]);
  }

  #takeKey(key: KeyOnRecord): void {
    const id = `${key.record.producer} ${key.record.kid}`;
    this.#signingKeys.set(id, [...(this.#signingKeys.get(id) ?? []), key]);
    const { person, kid } = key.record;
    if (person === undefined) return;
    const ofPerson = this.#personKeys.get(person) ?? new Map<string, KeyOnRecord>();
    this.#personKeys.set(person, ofPerson.set(kid, key));
  }
}
