/** `airtight quarantine`: what was not admitted, and its replay once the dataset is mended. */
import { type Bilingual, CODES } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError, wholeNumber } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { IngestClient, type QuarantineAnswer, type QuarantineFilter, type ReplayResult } from '../ingest-client.ts';
import { grouped } from '../progress-bar.ts';
import { systemUser } from '../system-user.ts';
import type { Terminal } from '../terminal.ts';

const LIMIT_MAX = 1000;
/** What ingest takes in one request. */
const IDS_MAX = 200;
/** Refusals said one by one; the counts tell the rest. */
const REFUSALS_SHOWN_MAX = 20;

export const quarantineCommand = defineCommand({
  name: 'quarantine',
  summary: { zh: '查看未被接纳的消息，修正数据集后重放', en: 'look at what was not admitted; replay it once the dataset is mended' },
  details: {
    zh: 'list：最新的在前；replay：重新经过接纳检查，通过的成为记录，保留原接收时间。重放记入日志，不会重复。退出码 1：有消息仍不被接纳。',
    en: 'list: newest first; replay: through admission again; what passes becomes a record with its original time of receipt. A replay is on record and happens once. Exit code 1: some are still not admissible.',
  },
  operands: 'list | replay',
  options: {
    code: { type: 'string', value: 'CODE', doc: { zh: '只看该原因，如 UNIT_UNKNOWN', en: 'of this reason alone, e.g. UNIT_UNKNOWN' } },
    producer: { type: 'string', value: 'P', doc: { zh: '只看该设备', en: 'of this producer alone' } },
    dataset: { type: 'string', value: 'D', doc: { zh: '只看该数据集', en: 'of this dataset alone' } },
    id: { type: 'string', value: 'ID', multiple: true, doc: { zh: '只重放这些编号，可重复', en: 'replay these alone; repeatable' } },
    limit: { type: 'string', value: 'N', default: '50', doc: { zh: '最多列出的条数', en: 'how many to list at most' } },
    'dry-run': { type: 'boolean', doc: { zh: '只检查，不写入', en: 'ask admission, store nothing' } },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [action, ...more], terminal): Promise<ExitCode> {
    if (more.length > 0 || (action !== 'list' && action !== 'replay')) {
      throw new UsageError({ zh: '应为 quarantine list 或 quarantine replay', en: 'either quarantine list or quarantine replay' });
    }
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const filter = { code: values.code, producer: values.producer, dataset: values.dataset };
    const asJson = values.json === true;
    if (action === 'list') return list(ingest, filter, wholeNumber('limit', values.limit, 1, LIMIT_MAX), asJson, terminal);
    const ids = values.id?.map((text) => wholeNumber('id', text, 0, Number.MAX_SAFE_INTEGER));
    if (ids !== undefined && ids.length > IDS_MAX)
      throw new UsageError({ zh: `最多 ${IDS_MAX} 个 --id`, en: `at most ${IDS_MAX} times --id` });
    return replay(ingest, filter, ids, values['dry-run'] === true, asJson, terminal);
  },
});

async function list(ingest: IngestClient, filter: QuarantineFilter, limit: number, asJson: boolean, terminal: Terminal): Promise<ExitCode> {
  const items: QuarantineAnswer['items'][number][] = [];
  let before: number | undefined;
  let answer: QuarantineAnswer;
  do {
    answer = await ingest.quarantine({ ...filter, before, limit: limit - items.length });
    items.push(...answer.items);
    before = answer.next ?? undefined;
  } while (before !== undefined && items.length < limit);
  if (asJson) {
    terminal.json({ items, counts: answer.counts });
    return EXIT.ok;
  }
  for (const { id, receivedAt, producer, topic, code, detail, released } of items) {
    const mark = released === null ? '' : `  → #${released}`;
    terminal.say(
      `${id}  ${new Date(receivedAt).toISOString()}  ${producer}  ${topic}  ${code}${mark}\n    ${meaningOf(code, terminal)}: ${detail}`,
    );
  }
  for (const [code, count] of Object.entries(answer.counts)) terminal.say(`${grouped(count)}  ${code}  ${meaningOf(code, terminal)}`);
  if (items.length === 0) terminal.say({ zh: '没有符合条件的消息。', en: 'Nothing there that fits.' });
  return EXIT.ok;
}

async function replay(
  ingest: IngestClient,
  filter: QuarantineFilter,
  ids: readonly number[] | undefined,
  dryRun: boolean,
  asJson: boolean,
  terminal: Terminal,
): Promise<ExitCode> {
  const by = systemUser();
  const results: ReplayResult[] = [];
  let from = 0;
  for (let isMore = true; isMore; ) {
    const answer = await ingest.replayQuarantine({ ...filter, ids, from, dryRun, by });
    results.push(...answer.results);
    isMore = answer.next !== null;
    from = answer.next ?? 0;
    terminal.progress({ zh: `已检查 ${grouped(results.length)} 条`, en: `${grouped(results.length)} looked at` });
  }
  if (asJson) terminal.json({ results });
  else showReplay(results, terminal);
  return results.some(({ status }) => status === 'refused') ? EXIT.found : EXIT.ok;
}

const STATUSES: { readonly [status in ReplayResult['status']]: Bilingual } = {
  accepted: { zh: '条成为记录', en: 'became records' },
  revision: { zh: '条成为修订', en: 'became revisions' },
  repeat: { zh: '条早已存储', en: 'were stored already' },
  admissible: { zh: '条可被接纳（试运行，未写入）', en: 'would be admitted (dry run, nothing stored)' },
  refused: { zh: '条仍不被接纳', en: 'are still not admissible' },
};

function showReplay(results: readonly ReplayResult[], terminal: Terminal): void {
  const refused = results.filter(({ status }) => status === 'refused');
  for (const { id, code = '', detail } of refused.slice(0, REFUSALS_SHOWN_MAX))
    terminal.say(`${id}  ${code}  ${meaningOf(code, terminal)}: ${detail}`);
  for (const [status, text] of Object.entries(STATUSES)) {
    const count = results.filter((result) => result.status === status).length;
    if (count > 0) terminal.say(`${grouped(count)} ${terminal.text(text)}`);
  }
  if (results.length === 0) terminal.say({ zh: '没有可重放的消息。', en: 'There is nothing to replay.' });
}

function meaningOf(code: string, terminal: Terminal): string {
  return Object.hasOwn(CODES, code) ? terminal.text(CODES[code as keyof typeof CODES]) : code;
}
