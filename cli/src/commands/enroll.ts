/** `airtight enroll`: a device's credentials. */
import { CODES, isName, isTelemetryDataset, type ProducerKind, telemetryTopic } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl, MQTT_OPTION, mqttAddress } from '../endpoints.ts';
import { type DeviceRequest, type Enrolment, IngestClient, IngestRefusal } from '../ingest-client.ts';
import type { Terminal } from '../terminal.ts';

const KINDS: readonly string[] = ['air-station', 'fridge', 'service'] satisfies ProducerKind[];
/** A reading to try the credentials with, by dataset; any other dataset gets a neutral one. */
const SAMPLE_MEASUREMENTS: { readonly [dataset: string]: string } = { air: '{"pm25":35.4}', coldchain: '{"tvc":4.6}' };

export const enrollCommand = defineCommand({
  name: 'enroll',
  summary: { zh: '登记设备，生成其 MQTT 用户名与密码（只显示一次）', en: 'enrol a device: its MQTT user name and secret, shown once' },
  operands: '',
  options: {
    agency: { type: 'string', value: 'A', doc: { zh: '所属机构，如 bj-eco', en: 'agency it belongs to, e.g. bj-eco' } },
    producer: { type: 'string', value: 'P', doc: { zh: '设备名，全系统唯一', en: 'its name, unique in the deployment' } },
    dataset: {
      type: 'string',
      value: 'D',
      multiple: true,
      doc: { zh: '可发布的数据集，可重复', en: 'dataset it may publish to; repeatable' },
    },
    kind: {
      type: 'string',
      value: 'KIND',
      default: 'air-station',
      doc: { zh: 'air-station、fridge 或 service', en: 'air-station, fridge or service' },
    },
    'name-zh': { type: 'string', value: 'TEXT', doc: { zh: '中文名（默认同设备名）', en: 'Chinese name (default: the producer name)' } },
    'name-en': { type: 'string', value: 'TEXT', doc: { zh: '英文名（默认同设备名）', en: 'English name (default: the producer name)' } },
    lat: { type: 'string', value: 'DEGREES', doc: { zh: '纬度，WGS 84', en: 'latitude, WGS 84' } },
    lon: { type: 'string', value: 'DEGREES', doc: { zh: '经度，WGS 84', en: 'longitude, WGS 84' } },
    replace: { type: 'boolean', doc: { zh: '设备已存在时换发新密码', en: 'give an existing device a new secret' } },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    ...MQTT_OPTION,
    json: JSON_OPTION,
  },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const { agency, producer, dataset: datasets = [] } = values;
    if (agency === undefined || producer === undefined || datasets.length === 0) {
      throw new UsageError({ zh: '--agency、--producer、--dataset 都要给出', en: '--agency, --producer and --dataset are all needed' });
    }
    for (const [option, name] of [
      ['agency', agency],
      ['producer', producer],
    ] as const) {
      if (!isName(name)) throw badName(option, name);
    }
    for (const name of datasets) if (!isTelemetryDataset(name)) throw badName('dataset', name);
    if (!KINDS.includes(values.kind)) throw new UsageError({ zh: `没有设备类型 ${values.kind}`, en: `There is no kind ${values.kind}` });
    const location = locationOf(values.lat, values.lon);
    const request: DeviceRequest = {
      agency,
      producer,
      datasets,
      kind: values.kind as ProducerKind,
      name: { zh: values['name-zh'] ?? producer, en: values['name-en'] ?? producer },
      ...(location === undefined ? {} : { location }),
      ...(values.replace === true ? { replace: true } : {}),
    };
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const enrolment = await enrolOrExplain(ingest, request, terminal);
    if (enrolment === undefined) return EXIT.found;
    const mqtt = mqttAddress(data, values.mqtt);
    const topics = datasets.map((dataset) => telemetryTopic({ agency, dataset, producer }));
    if (values.json === true) terminal.json({ ...enrolment, ...mqtt, topics });
    else show(enrolment, mqtt, topics, datasets[0] ?? '', terminal);
    return EXIT.ok;
  },
});

function badName(option: string, name: string): UsageError {
  return new UsageError({
    zh: `--${option} 不能是 ${JSON.stringify(name)}：1 到 64 个字母、数字、点、下划线或连字符，且不是系统保留名`,
    en: `--${option} cannot be ${JSON.stringify(name)}: 1 to 64 letters, digits, dots, underscores or hyphens, and no reserved name`,
  });
}

function locationOf(lat: string | undefined, lon: string | undefined): { lat: number; lon: number } | undefined {
  if (lat === undefined && lon === undefined) return undefined;
  const location = { lat: Number(lat), lon: Number(lon) };
  if (Math.abs(location.lat) <= 90 && Math.abs(location.lon) <= 180) return location;
  throw new UsageError({ zh: '--lat 与 --lon 须同时给出，单位为度', en: '--lat and --lon are degrees, and are given together' });
}

/** @returns undefined when ingest refused, after the reason was said */
async function enrolOrExplain(ingest: IngestClient, request: DeviceRequest, terminal: Terminal): Promise<Enrolment | undefined> {
  try {
    const [enrolment] = await ingest.enrol([request]);
    return enrolment;
  } catch (error) {
    if (!(error instanceof IngestRefusal)) throw error;
    const known = CODES[error.code as keyof typeof CODES];
    terminal.note(`${error.code}: ${known === undefined ? error.message : terminal.text(known)}`);
    if (error.code === 'PRODUCER_EXISTS') terminal.note({ zh: '换发新密码请加 --replace', en: 'Give it a new secret with --replace' });
    return undefined;
  }
}

function show(
  enrolment: Enrolment,
  mqtt: { host: string; port: number },
  topics: readonly string[],
  dataset: string,
  terminal: Terminal,
): void {
  const { username, secret } = enrolment;
  const topic = topics[0] ?? '';
  const payload = `{"t":'$(date +%s000)',"m":${SAMPLE_MEASUREMENTS[dataset] ?? '{"value":1}'}}`;
  terminal.say({ zh: `用户名：${username}`, en: `User name: ${username}` });
  terminal.say({ zh: `密码：  ${secret}（只显示这一次）`, en: `Secret:    ${secret} (shown once)` });
  terminal.say({ zh: `主题：  ${topics.join('，')}`, en: `Topic:     ${topics.join(', ')}` });
  terminal.say('');
  terminal.say({ zh: '试发一条：', en: 'Try it:' });
  terminal.say(`mosquitto_pub -h ${mqtt.host} -p ${mqtt.port} -q 1 -i ${username} -u ${username} -P ${secret} -t ${topic} -m '${payload}'`);
}
