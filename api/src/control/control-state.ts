/** Control data as the journal has it so far, folded into memory: the last record for a key wins. */
import {
  type ContractRecord,
  DatasetRegistry,
  type DeviceRecord,
  type RecordHeader,
  type TokenRecord,
  type UserRecord,
} from '@airtight/protocol';
import type { ControlEvent } from '../decode/decoder.ts';

export interface ContractInForce {
  readonly agency: string;
  readonly position: number;
  readonly since: number;
  readonly record: ContractRecord;
}

export class ControlState {
  readonly datasets = new DatasetRegistry();
  readonly producers = new Map<string, DeviceRecord>();
  readonly contracts = new Map<string, ContractInForce>();
  readonly users = new Map<string, UserRecord>();
  readonly tokens = new Map<string, TokenRecord>();
  #through = -1;

  /** Takes the next control record; one at or before the last taken position is known already. */
  take(event: Pick<ControlEvent, 'position' | 'record'> & { readonly header: Pick<RecordHeader, 'agency' | 'receivedAt'> }): void {
    if (event.position <= this.#through) return;
    this.#through = event.position;
    const { record, position, header } = event;
    switch (record.type) {
      case 'device':
        this.producers.set(record.producer, record);
        return;
      case 'dataset':
        this.datasets.define(position, record);
        return;
      case 'contract':
        this.contracts.set(record.contract, { agency: header.agency, position, since: header.receivedAt, record });
        return;
      case 'user':
        this.users.set(record.name, record);
        return;
      case 'token':
        this.tokens.set(record.id, record);
        return;
      case 'tick':
      case 'import':
      case 'storage-fault':
        // Not kept in memory: the table answers for them.
        return;
    }
  }
}
