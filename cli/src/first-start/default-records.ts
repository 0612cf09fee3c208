/** What a new deployment has on record before its first reading: dataset definitions and the shipped contracts. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { contractVersion, parseContract } from '@airtight/contracts-engine';
import {
  AirtightError,
  CONTRACTS_DATASET,
  CONTROL_AGENCY,
  type ContractRecord,
  checkDatasetDefinition,
  DATASETS_DATASET,
  type DatasetDefinition,
} from '@airtight/protocol';
import { parse } from 'yaml';
import type { ControlWrite } from '../ingest-client.ts';

/** Who is on record as author and approver of what is shipped. */
export const DEFAULTS_AUTHOR = 'airtight defaults';
const DEFAULTS_PRODUCER = 'airtight-defaults';
const DATASETS_FILE = new URL('../../defaults/datasets.yaml', import.meta.url);

/** The shipped dataset definitions, checked. */
export function defaultDatasets(): readonly DatasetDefinition[] {
  return (parse(readFileSync(DATASETS_FILE, 'utf8')) as unknown[]).map(checkedDataset);
}

function checkedDataset(value: unknown): DatasetDefinition {
  const checked = checkDatasetDefinition(value);
  if (!checked.ok) throw new AirtightError(checked.code, checked.detail);
  return checked.value;
}

/** The contracts shipped with the engine that the shipped datasets let run, under the names of their files. */
export function defaultContracts(): readonly ContractRecord[] {
  const folder = new URL('../contracts/', import.meta.resolve('@airtight/contracts-engine'));
  const datasets = new Map(defaultDatasets().map((definition) => [definition.dataset, definition]));
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => contractRecord(file.slice(0, -'.yaml'.length), readFileSync(fileURLToPath(new URL(file, folder)), 'utf8')))
    .filter(({ text }) => parseContract(text, datasets).ok);
}

/**
 * All of it as control records. Each is named by its content, so writing them again adds nothing.
 */
export function defaultRecords(): readonly ControlWrite[] {
  const datasets = defaultDatasets().map((definition) => controlWrite(DATASETS_DATASET, definition.dataset, definition));
  const contracts = defaultContracts().map((contract) => controlWrite(CONTRACTS_DATASET, contract.contract, contract));
  return [...datasets, ...contracts];
}

function contractRecord(contract: string, text: string): ContractRecord {
  const version = contractVersion(text);
  if (version === null) throw new AirtightError('CONTRACT_INVALID', `${contract}.yaml`);
  return { type: 'contract', contract, version, text, author: DEFAULTS_AUTHOR, approver: DEFAULTS_AUTHOR };
}

function controlWrite(dataset: string, key: string, payload: unknown): ControlWrite {
  const digest = hash('sha256', JSON.stringify(payload), 'hex').slice(0, 16);
  return { agency: CONTROL_AGENCY, dataset, producer: DEFAULTS_PRODUCER, messageId: `id:${key}.${digest}`, payload };
}
