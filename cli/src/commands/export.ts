/**
 * `airtight export evidence`: readings with their proofs and a verifier, as one file for someone who trusts nobody.
 * `airtight export completeness`: the proof that none was left out, in as many parts as it takes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAlertEvidence } from '@airtight/contracts-engine';
import { type Bilingual, CODES } from '@airtight/protocol';
import { parsePolicy, parseProofSet } from '@airtight/tlog';
import { type ApiClient, ApiRefusal, type SeriesRange } from '../api-client.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { evidenceHtml } from '../evidence/evidence-file.ts';
import { exportCompleteness } from '../evidence/export-completeness.ts';
import { PLATFORM_OPTIONS, platformOf, tellingRefusals } from '../platform.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

const TEMPLATE = fileURLToPath(new URL('../../../dashboard/dist/evidence/template.html', import.meta.url));
/** Values in one file: the page lists each. Records bring several when a device sends many moments at once. */
const VALUES_MAX = 20_000;

export const exportCommand = defineCommand({
  name: 'export',
  summary: {
    zh: '导出证据文件（数据、证据与核验程序在一个 HTML 中，断网可验），或没有遗漏的证明',
    en: 'write an evidence file (readings, proofs and verifier in one HTML file that works offline), or the proof that nothing is left out',
  },
  details: {
    zh: '文件用浏览器直接打开即在本机核验，不访问网络；也可交给 airtight verify。尚未写入账本的记录不列入，并注明条数。时间形如 2026-11-22T08:00:00+08:00，含起点不含终点；一个文件最多 10,000 条记录。用 --alert 时为一条告警的证据：合约全文、判定所据的每条记录，打开即在本机重新判定。completeness 写出完整性证明，每个部分一个文件，写入 --out 指定的目录，由 airtight verify 一并核验。默认以本机内部令牌读取，其他机器用 --api 与 --token-file（API 令牌）。',
    en: 'A browser that opens the file verifies it on its own machine, without network; airtight verify takes it too. Records that are not in the ledger yet are left out and counted. Times such as 2026-11-22T08:00:00+08:00, the first included, the last not; at most 10,000 records a file. With --alert the evidence of one alert: the text of its contract and every record it was judged by, judged again by whoever opens it. completeness writes the proof that none of the readings was left out, each part a file in the folder --out; airtight verify takes them together. Reads with the internal token of this machine; elsewhere with --api and --token-file (an API token).',
  },
  operands: 'evidence|completeness',
  options: {
    alert: {
      type: 'string',
      value: 'ID',
      doc: { zh: '改为导出这条告警的证据：规则、读数、重放', en: 'evidence of this alert instead: its rule, its readings, and the replay' },
    },
    producer: { type: 'string', value: 'P', doc: { zh: '设备', en: 'the device' } },
    dataset: { type: 'string', value: 'D', doc: { zh: '数据集', en: 'the dataset' } },
    property: { type: 'string', value: 'NAME', doc: { zh: '监测项，如 pm25', en: 'the observed property, e.g. pm25' } },
    from: { type: 'string', value: 'TIME', doc: { zh: '起始时间（含）', en: 'first moment' } },
    to: { type: 'string', value: 'TIME', doc: { zh: '结束时间（不含）', en: 'moment after the last' } },
    out: {
      type: 'string',
      value: 'FILE',
      doc: { zh: '写入的 HTML 文件；completeness 为目录', en: 'HTML file to write; of completeness a folder' },
    },
    policy: {
      type: 'string',
      value: 'FILE',
      doc: { zh: '写入文件的信任策略（默认 keys/policy）', en: 'trust policy that goes into the file (default: keys/policy)' },
    },
    ...PLATFORM_OPTIONS,
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [what, ...more], terminal): Promise<ExitCode> {
    if ((what !== 'evidence' && what !== 'completeness') || more.length > 0)
      throw new UsageError({ zh: '应为 export evidence 或 export completeness', en: 'export takes: evidence, or completeness' });
    const ofAlert = what === 'evidence' ? values.alert : undefined;
    const asked = ofAlert === undefined ? rangeOf(values) : undefined;
    if (values.out === undefined) throw missing('out');
    const out = values.out;
    const api = platformOf(values);
    const asJson = values.json === true;
    const page = async () => ({ template: readTemplate(), policy: await policyText(values.policy, dataDirectory(values.data), api) });
    const write = async (): Promise<ExitCode> => {
      if (asked === undefined) return exportAlert(api, ofAlert as string, { ...(await page()), out, asJson }, terminal);
      const { observedProperty, ...named } = asked;
      if (what === 'completeness') {
        const parts = await exportCompleteness(api, named, out, terminal);
        if (asJson) terminal.json({ files: parts });
        return EXIT.ok;
      }
      if (observedProperty === undefined) throw missing('property');
      const { template, policy } = await page();
      const { document, proofs } = await collect(api, { ...named, observedProperty }, policy);
      const html = evidenceHtml(template, document, proofs);
      writeFileSync(out, html);
      say(resolve(out), document, html.length, asJson, terminal);
      return EXIT.ok;
    };
    return tellingRefusals(write, terminal, asJson);
  },
});

interface AlertExport {
  readonly template: string;
  readonly policy: string;
  readonly out: string;
  readonly asJson: boolean;
}

async function exportAlert(
  api: ApiClient,
  id: string,
  { template, policy, out, asJson }: AlertExport,
  terminal: Terminal,
): Promise<ExitCode> {
  const [text, { timeZone }] = await Promise.all([api.alertEvidence(id), api.status()]);
  const evidence = parseAlertEvidence(text);
  if (!evidence.ok) throw new ApiRefusal(evidence.code, evidence.detail);
  const head = { format: 'airtight-alert-page@1', timeZone, madeAt: Date.now(), policy };
  const html = evidenceHtml(template, head, text);
  writeFileSync(out, html);
  const file = resolve(out);
  const { alert, contract, rule, subject, inputs } = evidence.value;
  if (asJson) terminal.json({ file, alert, records: inputs.records });
  else {
    const [records, size] = [grouped(inputs.records), grouped(Math.ceil(html.length / 1024))];
    terminal.say({
      zh: `告警 ${contract}/${rule}（${subject}）的证据（${records} 条记录）已写入 ${file}（${size} KiB）。用浏览器打开即可核验。`,
      en: `The evidence of ${contract}/${rule} about ${subject}, ${records} records, is in ${file} (${size} KiB). Open it in a browser to verify it.`,
    });
  }
  return EXIT.ok;
}

interface RangeOptions {
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly property?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

function rangeOf({ producer, dataset, property, from, to }: RangeOptions) {
  if (producer === undefined) throw missing('producer');
  if (dataset === undefined) throw missing('dataset');
  const range = { producer, dataset, observedProperty: property, from: timeOf('from', from), to: timeOf('to', to) };
  if (range.from < range.to) return range;
  throw new UsageError({ zh: '--from 应早于 --to', en: '--from lies before --to' });
}

function missing(option: string): UsageError {
  return new UsageError({ zh: `请给出 --${option}`, en: `--${option} is needed` });
}

/** RFC 3339 in UTC, from a time that names its zone: a local time would mean another moment on another machine. */
function timeOf(option: string, text: string | undefined): string {
  if (text === undefined) throw missing(option);
  const ms = /(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new UsageError({
    zh: `--${option} 应形如 2026-11-22T08:00:00+08:00，而不是 ${JSON.stringify(text)}`,
    en: `--${option} takes a time such as 2026-11-22T08:00:00+08:00, not ${JSON.stringify(text)}`,
  });
}

function readTemplate(): string {
  if (existsSync(TEMPLATE)) return readText(TEMPLATE);
  throw new EnvironmentError({
    zh: `缺少 ${TEMPLATE}。请先构建界面：npx -y pnpm@12 build。`,
    en: `${TEMPLATE} is not there. Build the pages first: npx -y pnpm@12 build.`,
  });
}

function readText(file: string): string {
  return readFileSync(file, 'utf8');
}

/** The policy that goes into the file: the one that is named, that of the data directory, else one that trusts the ledger's key. */
async function policyText(file: string | undefined, data: DataDirectory, api: ApiClient): Promise<string> {
  const ours = file ?? (existsSync(data.policyFile) ? data.policyFile : undefined);
  const text = ours === undefined ? `log ${(await api.ledger()).vkey}\nquorum none\n` : readText(ours);
  const policy = parsePolicy(text);
  if (policy.ok) return text;
  throw new EnvironmentError({
    zh: `${ours}：${CODES[policy.code].zh}：${policy.detail}`,
    en: `${ours}: ${CODES[policy.code].en}: ${policy.detail}`,
  });
}

/** What `airtight-evidence@1` holds, and the proofs for it. */
async function collect(api: ApiClient, range: SeriesRange, policy: string) {
  const { producer, dataset, observedProperty, from, to } = range;
  const [device, definition, { timeZone }] = await Promise.all([api.producer(producer), api.dataset(dataset), api.status()]);
  // Proofs first: what comes in between is left out of both.
  const { text: proofs, pending } = await api.proofs(range);
  const set = parseProofSet(proofs);
  if (!set.ok) throw new ApiRefusal(set.code, set.detail);
  const covered = new Set(set.value.batches.flatMap(({ records }) => records.map(({ position }) => position)));
  const observations = await api.observations(range, VALUES_MAX);
  if (observations.length > VALUES_MAX) throw new ApiRefusal('PROOF_SET_TOO_LARGE', `more than ${VALUES_MAX} values`);
  const values = observations
    .map(({ record, phenomenonTime, result, flags }) => ({
      record: Number(record),
      phenomenonTime: Date.parse(phenomenonTime),
      result,
      flags,
    }))
    .filter(({ record }) => covered.has(record));
  const property = definition?.properties[observedProperty];
  const asNamed = (name: string): Bilingual => ({ zh: name, en: name });
  const document = {
    ...{ format: 'airtight-evidence@1', producer, producerName: device.name, dataset, datasetTitle: definition?.title ?? asNamed(dataset) },
    ...{
      observedProperty,
      propertyTitle: property?.title ?? asNamed(observedProperty),
      unit: property?.unit ?? observations[0]?.unit ?? '',
    },
    ...{ from: Date.parse(from), to: Date.parse(to), timeZone, madeAt: Date.now(), pending, policy, values },
  };
  return { document, proofs };
}

type Collected = Awaited<ReturnType<typeof collect>>['document'];

function say(file: string, { values, pending }: Collected, characters: number, asJson: boolean, terminal: Terminal): void {
  if (asJson) return terminal.json({ file, values: values.length, pending });
  const size = grouped(Math.ceil(characters / 1024));
  terminal.say({
    zh: `${grouped(values.length)} 个数值及其证据已写入 ${file}（${size} KiB）。用浏览器打开即可核验。`,
    en: `${grouped(values.length)} values with their proofs are in ${file} (${size} KiB). Open it in a browser to verify them.`,
  });
  if (pending > 0)
    terminal.note({ zh: `${pending} 条记录尚未写入账本，未列入。`, en: `${pending} records are not in the ledger yet and are left out.` });
}
