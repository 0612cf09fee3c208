/** Who may see what stands in confidential datasets: everybody who has an account or a token, no visitor. */
import { AirtightError, type DatasetRegistry, isSalted, type RecordHeader } from '@airtight/protocol';
import type { Identity } from './identity.ts';

/** Datasets whose content this person may not see. */
export function hiddenDatasets({ name }: Identity, registry: DatasetRegistry): ReadonlySet<string> {
  return new Set(name === null ? registry.confidential() : []);
}

/** @throws AirtightError SESSION_REQUIRED when the content of this dataset is hidden from the person */
export function requireReadable(identity: Identity, dataset: string, registry: DatasetRegistry): void {
  if (hiddenDatasets(identity, registry).has(dataset)) throw new AirtightError('SESSION_REQUIRED', `${dataset} is confidential`);
}

/** @throws AirtightError SESSION_REQUIRED when the record is of a confidential dataset and the person a visitor */
export function requireOpen(identity: Identity, header: Pick<RecordHeader, 'commitment' | 'dataset'>): void {
  if (identity.name === null && isSalted(header)) throw new AirtightError('SESSION_REQUIRED', `${header.dataset} is confidential`);
}
