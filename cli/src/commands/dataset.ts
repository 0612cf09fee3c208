/** `airtight dataset`: definitions of datasets, listed and changed. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CODES, CONTROL_AGENCY, DATASETS_DATASET, type DatasetDefinition } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { parse } from 'yaml';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { IngestClient, IngestRefusal } from '../ingest-client.ts';
import type { Terminal } from '../terminal.ts';

const PRODUCER = 'airtight-cli';

export const datasetCommand = defineCommand({
  name: 'dataset',
  summary: { zh: '列出数据集，或用文件新建、修改数据集定义', en: 'list datasets, or define and change them from a file' },
  details: {
    zh: 'list：当前定义；set FILE：写入 YAML 或 JSON 文件中的一个或多个定义。每次修改都是一条记录，只对其后的数据生效。',
    en: 'list: the definitions in force; set FILE: writes the one or more definitions of a YAML or JSON file. Each change is a record and holds for what comes after it.',
  },
  operands: 'list | set FILE',
  options: { data: DATA_OPTION, ...INGEST_OPTION, json: JSON_OPTION },
  async run(values, [action = '', file, ...more], terminal): Promise<ExitCode> {
    const isKnown = more.length === 0 && ((action === 'list' && file === undefined) || (action === 'set' && file !== undefined));
    if (!isKnown) throw new UsageError({ zh: '应为 dataset list 或 dataset set FILE', en: 'either dataset list or dataset set FILE' });
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    if (file === undefined) return list(ingest, values.json === true, terminal);
    return set(ingest, definitionsIn(file), values.json === true, terminal);
  },
});

async function list(ingest: IngestClient, asJson: boolean, terminal: Terminal): Promise<ExitCode> {
  const datasets = await ingest.datasets();
  if (asJson) {
    terminal.json(datasets.map(({ definition }) => definition));
    return EXIT.ok;
  }
  for (const { position, definition } of datasets) {
    terminal.say(`${terminal.style('bold', definition.dataset)}  ${terminal.text(definition.title)}  #${position}`);
    for (const [name, { title, unit, min, max }] of Object.entries(definition.properties)) {
      const range = min === undefined && max === undefined ? '' : `  ${min ?? ''} … ${max ?? ''}`;
      terminal.say(`  ${name}  ${terminal.text(title)}  ${unit}${range}`);
    }
  }
  return EXIT.ok;
}

async function set(
  ingest: IngestClient,
  definitions: readonly DatasetDefinition[],
  asJson: boolean,
  terminal: Terminal,
): Promise<ExitCode> {
  const current = new Map((await ingest.datasets()).map(({ definition }) => [definition.dataset, canonicalJson(definition)]));
  const changed = definitions.filter((definition) => current.get(definition.dataset) !== canonicalJson(definition));
  let positions: readonly number[] = [];
  try {
    // Each writing has an id of its own: to go back to an earlier definition is no repeat of it.
    const nonce = randomBytes(8).toString('hex');
    const records = changed.map((payload, i) => ({
      ...{ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: PRODUCER, payload },
      messageId: `id:${payload.dataset}.${nonce}.${i}`,
    }));
    if (records.length > 0) positions = await ingest.writeRecords(records);
  } catch (error) {
    if (!(error instanceof IngestRefusal)) throw error;
    const known = CODES[error.code as keyof typeof CODES];
    terminal.note(known === undefined ? error.message : `${terminal.text(known)} (${error.message})`);
    return EXIT.found;
  }
  const results = definitions.map((definition) => ({
    dataset: definition.dataset,
    record: positions[changed.indexOf(definition)] ?? null,
  }));
  if (asJson) terminal.json(results);
  else {
    for (const { dataset, record } of results) {
      if (record === null) terminal.say({ zh: `${dataset}：与现有定义相同`, en: `${dataset}: as it was` });
      else terminal.say({ zh: `${dataset}：已生效，记录 #${record}`, en: `${dataset}: in force, record #${record}` });
    }
  }
  return EXIT.ok;
}

/** @throws UsageError when the file holds no definition */
function definitionsIn(file: string): readonly DatasetDefinition[] {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    const reason = (error as Error).message;
    throw new UsageError({ zh: `${file} 不是 YAML 或 JSON：${reason}`, en: `${file} is neither YAML nor JSON: ${reason}` });
  }
  const items: readonly unknown[] = Array.isArray(content) ? content : [content];
  if (items.length > 0 && items.every((item) => item !== null && typeof item === 'object' && 'dataset' in item)) {
    return items.map((item) => ({ type: 'dataset', ...(item as object) }) as DatasetDefinition);
  }
  throw new UsageError({ zh: `${file} 中没有数据集定义`, en: `there is no dataset definition in ${file}` });
}
