/** `airtight dataset`: definitions of datasets, listed and changed. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CODES, CONTROL_AGENCY, checkDatasetDefinition, DATASETS_DATASET, type DatasetDefinition } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { parse } from 'yaml';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
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
  options: {
    check: { type: 'boolean', doc: { zh: '只检查文件，不写入', en: 'check the file, write nothing' } },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [action = '', file, ...more], terminal): Promise<ExitCode> {
    const isKnown = more.length === 0 && ((action === 'list' && file === undefined) || (action === 'set' && file !== undefined));
    if (!isKnown) throw new UsageError({ zh: '应为 dataset list 或 dataset set FILE', en: 'either dataset list or dataset set FILE' });
    const definitions = file === undefined ? [] : definitionsIn(file, terminal);
    if (definitions === undefined) return EXIT.found;
    if (values.check === true) return sayChecked(definitions, values.json === true, terminal);
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    if (file === undefined) return list(ingest, values.json === true, terminal);
    return set(ingest, definitions, values.json === true, terminal);
  },
});

function sayChecked(definitions: readonly DatasetDefinition[], asJson: boolean, terminal: Terminal): ExitCode {
  if (asJson) terminal.json(definitions.map(({ dataset }) => ({ dataset })));
  else
    for (const { dataset } of definitions)
      terminal.say({ zh: `${dataset} 的定义没有错误`, en: `The definition of ${dataset} has no errors` });
  return EXIT.ok;
}

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
  // Each writing has an id of its own: to go back to an earlier definition is no repeat of it.
  const nonce = randomBytes(8).toString('hex');
  const records = changed.map((payload, i) => ({
    ...{ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: PRODUCER, payload },
    messageId: `id:${payload.dataset}.${nonce}.${i}`,
  }));
  const positions = records.length === 0 ? [] : await ingest.writeRecords(records);
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

/** @returns undefined when one of them is none, after the reason was said */
function definitionsIn(file: string, terminal: Terminal): readonly DatasetDefinition[] | undefined {
  const content = parsed(readFileSync(file, 'utf8'));
  const definitions: DatasetDefinition[] = [];
  for (const value of Array.isArray(content) ? content : [content]) {
    const checked = checkDatasetDefinition(value);
    if (!checked.ok) {
      terminal.note(`${checked.code}: ${terminal.text(CODES[checked.code])}: ${checked.detail}`);
      return undefined;
    }
    definitions.push(checked.value);
  }
  return definitions;
}

/** YAML, of which JSON is a part; undefined when it is neither. */
function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
