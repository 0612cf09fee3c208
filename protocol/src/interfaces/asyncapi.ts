/**
 * The MQTT interface as an AsyncAPI 3.0 document (asyncapi.com/docs/reference/specification/v3.0.0), made from the schemas and
 * the topic grammar. The document describes the platform: it `receive`s telemetry and `send`s receipts and live messages.
 */
import type { TSchema } from 'typebox';
import { AlertAnnouncement } from '../channels/alert-message.ts';
import { AnchoredReceipt, QuarantinedReceipt, ReadingMessage, ReadingsMessage, SenmlMessage, StoredReceipt } from './mqtt-messages.ts';
import { alertTopic, liveTopic, receiptTopic, telemetryTopic } from './topic.ts';

const NAMED = { agency: '{agency}', dataset: '{dataset}', producer: '{producer}' };
const NAME_RULE = '1 to 64 of A–Z a–z 0–9 . _ -, the first one alphanumeric.';
const PARAMETERS = {
  agency: { description: `Agency the producer belongs to: ${NAME_RULE}`, examples: ['beijing'] },
  dataset: { description: `Dataset the producer was enrolled for: ${NAME_RULE}`, examples: ['air'] },
  producer: { description: `The producer itself, which is its user name: ${NAME_RULE}`, examples: ['station-1'] },
};

const EXAMPLE_ALERT: AlertAnnouncement = {
  id: `${'0123456789abcdef'.repeat(2)}_4711_topics`,
  type: 'alert.raised',
  timestamp: '2026-01-01T00:00:00.000Z',
  data: {
    ...{ alert: '0123456789abcdef'.repeat(2), record: '4711', transition: 0, cause: 'raise', severity: 'severe', contract: 'air-pm25' },
    ...{ version: '9f'.repeat(32), rule: 'heavy', agency: 'beijing', dataset: 'air', subject: 'station-1' },
    ...{ place: { zh: '北京 万寿西宫', en: 'Beijing, Wanshouxigong' }, since: '2025-12-31T23:00:00.000Z', values: { pm25: 180.5 } },
    ...{ message: { zh: '重度污染', en: 'Heavy pollution' }, simulated: false, proof: '/api/v1/records/4711/proof' },
  },
};

/** Messages by name: schema, what each is, and examples that the platform takes or sends. */
const MESSAGES = {
  reading: {
    payload: ReadingMessage,
    title: 'One reading',
    examples: [
      { seq: 17, t: 1_735_689_600_000, m: { pm25: 35.4, pm10: { v: 80, u: 'ug/m3', q: 'N' }, wd: 'NNW' } },
      { id: 'a1', t: '2026-01-01T08:00:00+08:00', m: { pm25: 36 } },
    ],
  },
  readings: {
    payload: ReadingsMessage,
    title: 'Several readings in one message',
    examples: [
      [
        { t: 1_735_693_200_000, m: { pm25: 37 } },
        { t: 1_735_696_800_000, m: { pm25: 38 } },
      ],
    ],
  },
  senml: {
    payload: SenmlMessage,
    title: 'A SenML pack (RFC 8428)',
    examples: [
      [
        { bn: 'urn:dev:ow:10e2073a01080063:', bt: 1_735_700_400, n: 'temp', u: 'Cel', v: 4.6 },
        { n: 'temp', u: 'Cel', t: 60, v: 4.7 },
      ],
    ],
  },
  stored: {
    payload: StoredReceipt,
    title: 'The message is durable, or was before',
    examples: [{ status: 'accepted', record: '4711', leafHash: '9f'.repeat(32) }],
  },
  quarantined: {
    payload: QuarantinedReceipt,
    title: 'The message was not admitted; code and detail tell why',
    examples: [{ status: 'quarantined', code: 'TIME_INVALID', detail: 'a reading without time' }],
  },
  anchored: {
    payload: AnchoredReceipt,
    title: 'The record’s batch is in the ledger',
    examples: [{ status: 'anchored', record: '4711', batch: 12, ledgerIndex: 12, checkpointSize: 40 }],
  },
  alert: {
    payload: AlertAnnouncement,
    title: 'An alert was raised, has changed or is over',
    examples: [EXAMPLE_ALERT],
  },
} satisfies { readonly [name: string]: { readonly payload: TSchema; readonly title: string; readonly examples: readonly unknown[] } };

type MessageName = keyof typeof MESSAGES;
const PAYLOADS: readonly MessageName[] = ['reading', 'readings', 'senml'];
const RECEIPTS: readonly MessageName[] = ['stored', 'quarantined', 'anchored'];

const BINDING_VERSION = '0.2.0';
const QOS_1 = { mqtt: { qos: 1, retain: false, bindingVersion: BINDING_VERSION } };
const QOS_0 = { mqtt: { qos: 0, retain: false, bindingVersion: BINDING_VERSION } };

/** @returns the document as a JSON value */
export function asyncApiDocument() {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Airtight MQTT',
      version: '1',
      description: 'Devices publish readings; each is acknowledged when it is durable, and told of by receipts. MQTT 3.1 and 3.1.1.',
    },
    defaultContentType: 'application/json',
    servers: { mqtt: server('mqtt', '1883'), mqtts: server('mqtts', '8883'), ws: server('ws', '8083'), wss: server('wss', '8084') },
    channels: channels(),
    operations: {
      takeTelemetry: operation('receive', 'telemetry', PAYLOADS, 'A device publishes a reading with QoS 0, 1 or 2, never retained.', {
        mqtt: { retain: false, bindingVersion: BINDING_VERSION },
      }),
      sendReceipt: operation('send', 'receipts', RECEIPTS, 'The producer that listens is told what became of each message.', QOS_0),
      sendLive: operation('send', 'live', PAYLOADS, 'Who was granted it gets each accepted payload as it was sent.', QOS_0),
      sendAlert: operation('send', 'alerts', ['alert'], 'Who was granted it is told of alerts, at least once.', QOS_1),
    },
    components: {
      messages: Object.fromEntries(
        Object.entries(MESSAGES).map(([name, { title, examples, payload }]) => [name, message(title, examples, payload)]),
      ),
      securitySchemes: { device: { type: 'userPassword', description: 'User name: the producer. Password: its secret.' } },
    },
  };
}

function channels() {
  const { agency } = PARAMETERS;
  return {
    telemetry: {
      address: telemetryTopic(NAMED),
      description: 'Where a producer publishes, as itself alone. Nobody may subscribe.',
      parameters: PARAMETERS,
      messages: references(PAYLOADS),
    },
    receipts: {
      address: receiptTopic(NAMED),
      description: 'What became of the messages of a producer; it alone may subscribe.',
      parameters: PARAMETERS,
      messages: references(RECEIPTS),
    },
    live: {
      address: liveTopic(NAMED),
      description: 'Accepted payloads, for subscribers with a grant.',
      parameters: PARAMETERS,
      messages: references(PAYLOADS),
    },
    alerts: {
      address: alertTopic('{agency}', '{severity}', '{contract}'),
      description: 'Alerts that a channel of kind `mqtt` carries, for subscribers with a grant. Nobody may publish.',
      parameters: { agency, severity: { description: 'Severity of the alert.' }, contract: { description: 'Contract that raised it.' } },
      messages: references(['alert']),
    },
  };
}

function server(protocol: string, port: string) {
  return {
    host: '{host}:{port}',
    ...(protocol.startsWith('ws') ? { pathname: '/mqtt' } : {}),
    protocol,
    protocolVersion: '3.1.1',
    variables: { host: { default: 'localhost' }, port: { default: port } },
    security: [{ $ref: '#/components/securitySchemes/device' }],
  };
}

function message(title: string, examples: readonly unknown[], payload: TSchema) {
  return { title, contentType: 'application/json', payload, examples: examples.map((example) => ({ payload: example })) };
}

function references(names: readonly MessageName[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function operation(action: 'send' | 'receive', channel: string, names: readonly MessageName[], summary: string, bindings: object) {
  const messages = names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
  return { action, channel: { $ref: `#/channels/${channel}` }, summary, messages, bindings };
}
