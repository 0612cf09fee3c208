/** The running services: do they answer, and does each keep up with the one before it. */
import { type DataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Ports } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { readinessUrl, type ServiceName } from '../supervise/readiness.ts';
import { answers } from '../waiting.ts';
import { type Check, healthy, unwell } from './check.ts';

const SERVICES: readonly ServiceName[] = ['ledger', 'ingest', 'api'];
/** Some batches are always on their way; ten thousand records are seconds of work. */
const LAG_WARNING_RECORDS = 10_000;

export async function checkService(ports: Ports, name: ServiceName, data: DataDirectory): Promise<Check> {
  if (await answers(readinessUrl(ports, name))) return healthy(name, { zh: `${name} 就绪`, en: `${name} is ready` });
  const log = `${data.logs}/${name}.log`;
  return unwell(name, 'problem', { zh: `${name} 未就绪`, en: `${name} is not ready` }, { zh: `原因见 ${log}`, en: `See ${log}` });
}

export async function checkServices(ports: Ports, data: DataDirectory): Promise<Check[]> {
  const checks = await Promise.all(SERVICES.map((name) => checkService(ports, name, data)));
  const isUp = (name: ServiceName) => checks.find((check) => check.name === name)?.health === 'ok';
  if (!isUp('ingest')) return checks;
  const ingest = new IngestClient(`http://${LOOPBACK}:${ports.ingest}`, readInternalToken(data));
  const { head, anchoredThrough } = await ingest.status();
  checks.push(lagCheck('ledger-lag', head - anchoredThrough, { zh: '账本', en: 'the ledger' }));
  const lag = isUp('api') ? await projectionLag(ports) : undefined;
  if (lag !== undefined) checks.push(lagCheck('store-lag', lag, { zh: '查询库', en: 'the store' }));
  if (isUp('ledger')) checks.push(...(await anchorChecks(ports, data)));
  return checks;
}

interface Sink {
  readonly id: string;
  readonly latest: { readonly size: number } | null;
  readonly error: { readonly detail: string } | null;
}

/** Whether the outside sinks take checkpoints. */
async function anchorChecks(ports: Ports, data: DataDirectory): Promise<Check[]> {
  const headers = { authorization: `Bearer ${readInternalToken(data)}` };
  const answer = await fetch(`http://${LOOPBACK}:${ports.ledger}/anchoring`, { headers });
  const { sinks } = (await answer.json()) as { readonly sinks: readonly Sink[] };
  return sinks.map(({ id, latest, error }) => {
    const until =
      latest === null ? { zh: '尚无回执', en: 'no receipt yet' } : { zh: `至第 ${latest.size} 条`, en: `up to size ${latest.size}` };
    const found = { zh: `外部锚定 ${id}：${until.zh}`, en: `outside anchor ${id}: ${until.en}` };
    if (error === null) return healthy(`anchor-${id}`, found);
    return unwell(`anchor-${id}`, 'warning', found, {
      zh: `不断重试中：${error.detail}`,
      en: `It is tried again and again: ${error.detail}`,
    });
  });
}

export function lagCheck(name: string, records: number, what: { readonly zh: string; readonly en: string }): Check {
  const found = { zh: `${what.zh}落后日志 ${records} 条`, en: `${what.en} is ${records} records behind the journal` };
  if (records < LAG_WARNING_RECORDS) return healthy(name, found);
  return unwell(name, 'warning', found, {
    zh: '若持续增长：检查 CPU 与磁盘是否不足。',
    en: 'If it keeps growing, processor or disk are not enough for what comes in.',
  });
}

async function projectionLag(ports: Ports): Promise<number | undefined> {
  const response = await fetch(readinessUrl(ports, 'api'));
  const { lagRecords } = (await response.json()) as { readonly lagRecords?: number };
  return lagRecords;
}
