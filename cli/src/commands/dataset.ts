/** `airtight dataset FILE`: puts a dataset's definition on record, in force for what comes after it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CONTROL_AGENCY, checkDatasetDefinition, DATASETS_DATASET, type DatasetDefinition } from '@airtight/protocol';
import { parse } from 'yaml';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import type { Terminal } from '../terminal.ts';

const PRODUCER = 'airtight-cli';

export const datasetCommand = defineCommand({
  name: 'dataset',
  summary: { zh: '登记或更新数据集定义（YAML 文件）', en: 'put a dataset definition (YAML) on record, a new one or a new version' },
  operands: 'FILE',
  options: {
    check: { type: 'boolean', doc: { zh: '只检查，不登记', en: 'check it, write nothing' } },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [file, ...more] = operands;
    if (file === undefined || more.length > 0) throw new UsageError({ zh: '请给出一个 YAML 文件', en: 'name one YAML file' });
    const definition = readDefinition(file, terminal);
    if (definition === undefined) return EXIT.found;
    const { dataset } = definition;
    if (values.check === true) {
      if (values.json === true) terminal.json({ dataset });
      else terminal.say({ zh: `${dataset} 的定义没有错误`, en: `The definition of ${dataset} has no errors` });
      return EXIT.ok;
    }
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    // Named anew each time: an earlier version that is put in force again is no repeat.
    const messageId = `id:${dataset}.${randomUUID()}`;
    const [position] = await ingest.writeRecords([
      { agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: PRODUCER, messageId, payload: definition },
    ]);
    if (values.json === true) terminal.json({ dataset, record: String(position) });
    else
      terminal.say({
        zh: `${dataset} 的定义已登记（记录 ${position}），对其后的记录生效`,
        en: `${dataset} is defined by record ${position}, for what comes after it`,
      });
    return EXIT.ok;
  },
});

/** @returns undefined when it is no definition, after the reason was said */
function readDefinition(file: string, terminal: Terminal): DatasetDefinition | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new EnvironmentError({ zh: `读不到文件 ${file}`, en: `cannot read ${file}` });
  }
  const checked = checkDatasetDefinition(parsed(text));
  if (checked.ok) return checked.value;
  terminal.note(`${checked.code}: ${checked.detail}`);
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
