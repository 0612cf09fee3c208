/** `airtight enroll`: a device's credentials, or a code with which it fetches them. */
import { isName, telemetryTopic } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, durationMs, EXIT, type ExitCode, JSON_OPTION, UsageError, type ValuesOf } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl, MQTT_OPTION, mqttAddress, portsOf } from '../endpoints.ts';
import { CREDENTIAL_OPTIONS, credentialsOf, DEVICE_OPTIONS, deviceOf } from '../enrolment/device-options.ts';
import { showCredentials, showTrial, writeCertificate } from '../enrolment/shown-credentials.ts';
import { explainRefusal, IngestClient } from '../ingest-client.ts';
import type { Terminal } from '../terminal.ts';

const OVERLAP_MAX_MS = 365 * 86_400_000;
const CLAIM_LIFE_MAX_MS = 90 * 86_400_000;

const OPTIONS = {
  ...DEVICE_OPTIONS,
  ...CREDENTIAL_OPTIONS,
  out: { type: 'string', value: 'DIR', default: '.', doc: { zh: '证书与私钥写入的目录', en: 'folder for certificate and key' } },
  replace: {
    type: 'boolean',
    doc: { zh: '设备已存在时换发新凭据，旧的即刻失效', en: 'give an existing device new credentials; the old ones end at once' },
  },
  rotate: {
    type: 'string',
    value: 'P',
    doc: {
      zh: '为该设备换发凭据，旧的在 --overlap 内仍有效',
      en: 'new credentials for this device; the old ones still count for --overlap',
    },
  },
  overlap: { type: 'string', value: 'SPAN', default: '24h', doc: { zh: '新旧凭据并存的时间', en: 'how long old and new both count' } },
  claim: {
    type: 'boolean',
    doc: { zh: '不发凭据，而是生成一次性认领码', en: 'no credentials, but a one-time code with which the device fetches them' },
  },
  life: { type: 'string', value: 'SPAN', default: '24h', doc: { zh: '认领码的有效期', en: 'how long the claim code lives' } },
  data: DATA_OPTION,
  ...INGEST_OPTION,
  ...MQTT_OPTION,
  json: JSON_OPTION,
} as const;
type Values = ValuesOf<typeof OPTIONS>;

export const enrollCommand = defineCommand({
  name: 'enroll',
  summary: {
    zh: '登记设备，生成其密码、证书或认领码（只显示一次）；或换发凭据',
    en: 'enrol a device: its password, certificate or claim code, shown once; or rotate its credentials',
  },
  operands: '',
  options: OPTIONS,
  async run(values, _operands, terminal): Promise<ExitCode> {
    const act = values.rotate !== undefined ? rotate : values.claim === true ? claim : enrol;
    return act(values, terminal);
  },
});

function clientOf(values: Values): IngestClient {
  const data = dataDirectory(values.data);
  return new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
}

async function enrol(values: Values, terminal: Terminal): Promise<ExitCode> {
  const { producer, template } = deviceOf(values);
  const { agency, datasets, name = { zh: producer, en: producer } } = template;
  const request = { ...template, producer, name, ...credentialsOf(values), ...(values.replace === true ? { replace: true } : {}) };
  const shown = await explainRefusal(() => clientOf(values).enrolDevice(request), terminal);
  if (shown === undefined) return EXIT.found;
  const files = writeCertificate(shown, values.out);
  const data = dataDirectory(values.data);
  const mqtt = mqttAddress(data, values.mqtt);
  const tlsPort = values.mqtt === undefined ? portsOf(data).mqttTls : undefined;
  const topics = datasets.map((dataset) => telemetryTopic({ agency, dataset, producer }));
  if (values.json === true) terminal.json({ ...shown, files, ...mqtt, topics });
  else {
    showCredentials(shown, files, terminal);
    showTrial(shown, files, { ...mqtt, tlsPort }, topics, datasets[0] ?? '', terminal);
  }
  return EXIT.ok;
}

async function rotate(values: Values, terminal: Terminal): Promise<ExitCode> {
  const { rotate: producer = '' } = values;
  if (!isName(producer)) throw new UsageError({ zh: '--rotate 应给出设备名', en: '--rotate names a device' });
  const overlapMs = durationMs('overlap', values.overlap, 0, OVERLAP_MAX_MS);
  const request = { overlapMs, ...credentialsOf(values) };
  const shown = await explainRefusal(() => clientOf(values).rotate(producer, request), terminal);
  if (shown === undefined) return EXIT.found;
  const files = writeCertificate(shown, values.out);
  if (values.json === true) terminal.json({ ...shown, files });
  else showCredentials(shown, files, terminal);
  return EXIT.ok;
}

async function claim(values: Values, terminal: Terminal): Promise<ExitCode> {
  const { producer, template } = deviceOf(values);
  const lifeMs = durationMs('life', values.life, 1000, CLAIM_LIFE_MAX_MS);
  const made = await explainRefusal(() => clientOf(values).newClaim(producer, template, lifeMs), terminal);
  if (made === undefined) return EXIT.found;
  if (values.json === true) terminal.json({ producer, ...made });
  else {
    const until = new Date(made.validTo).toISOString();
    terminal.say({
      zh: `认领码：${made.code}（只显示这一次，一次有效，至 ${until}）`,
      en: `Claim code: ${made.code} (shown once, good once, until ${until})`,
    });
    terminal.say({ zh: '设备向 POST /api/v1/claims 出示它。', en: 'The device presents it to POST /api/v1/claims.' });
  }
  return EXIT.ok;
}
