/**
 * Shapes of the messages on the MQTT topics, as TypeBox schemas: the AsyncAPI document is made from them, ingest writes its
 * receipts as their types, and tests hold them against the reader of payloads and against real traffic.
 */
import { SENML_NAME_MAX_LENGTH, SENML_RECORDS_MAX, SENML_UNIT_MAX_LENGTH } from '@airtight/standards/senml.ts';
import { type Static, Type } from 'typebox';
import { MESSAGE_NAME_MAX_LENGTH, PROPERTY_PATTERN } from '../names.ts';
import { MEASUREMENTS_MAX, READINGS_MAX, TEXT_MAX_LENGTH, TIME_MAX } from '../records/measurement.ts';
import { QUALITY_MAX_LENGTH, UNIT_MAX_LENGTH } from '../records/reading.ts';

/** RFC 3339 §5.6 `date-time`; the zone must be there. */
const RFC3339_PATTERN = '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?([Zz]|[+-]\\d{2}:\\d{2})$';

const NO_CONTROL_CHARACTER = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';

const Result = Type.Union([Type.Number(), Type.String({ maxLength: TEXT_MAX_LENGTH }), Type.Boolean()]);

export const MeasuredValue = Type.Union([
  Result,
  Type.Object({
    v: Result,
    u: Type.Optional(
      Type.String({ minLength: 1, maxLength: UNIT_MAX_LENGTH, description: 'Unit (UCUM), where it differs from the dataset’s' }),
    ),
    q: Type.Optional(Type.String({ maxLength: QUALITY_MAX_LENGTH, description: 'The device’s own quality mark' })),
  }),
]);

export const ReadingMessage = Type.Object({
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MESSAGE_NAME_MAX_LENGTH,
      pattern: NO_CONTROL_CHARACTER,
      description: 'Name of the message: sent again, it is stored once',
    }),
  ),
  seq: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Number of the message, instead of an id' }),
  ),
  t: Type.Union(
    [Type.Integer({ minimum: 0, maximum: TIME_MAX, description: 'Milliseconds since 1970' }), Type.String({ pattern: RFC3339_PATTERN })],
    { description: 'Time of the measurement by the device’s clock' },
  ),
  m: Type.Record(Type.String({ pattern: PROPERTY_PATTERN }), MeasuredValue, {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: MEASUREMENTS_MAX,
    description: 'Measured values by property',
  }),
});

export const ReadingsMessage = Type.Array(ReadingMessage, { minItems: 1, maxItems: READINGS_MAX });

/** RFC 8428 §5: labels and types of a SenML record in JSON. */
export const SenmlMessage = Type.Array(
  Type.Object({
    bn: Type.Optional(Type.String({ maxLength: SENML_NAME_MAX_LENGTH })),
    bt: Type.Optional(Type.Number()),
    bu: Type.Optional(Type.String({ maxLength: SENML_UNIT_MAX_LENGTH })),
    bv: Type.Optional(Type.Number()),
    bs: Type.Optional(Type.Number()),
    bver: Type.Optional(Type.Integer({ minimum: 1 })),
    n: Type.Optional(Type.String({ maxLength: SENML_NAME_MAX_LENGTH })),
    u: Type.Optional(Type.String({ maxLength: SENML_UNIT_MAX_LENGTH })),
    v: Type.Optional(Type.Number()),
    vs: Type.Optional(Type.String({ maxLength: TEXT_MAX_LENGTH })),
    vb: Type.Optional(Type.Boolean()),
    s: Type.Optional(Type.Number()),
    t: Type.Optional(Type.Number()),
    ut: Type.Optional(Type.Number()),
    m: Type.Optional(Type.Never({ description: 'Our own form alone has it' })),
  }),
  { minItems: 1, maxItems: SENML_RECORDS_MAX },
);

const RecordId = Type.String({ pattern: '^[0-9]{1,16}$', description: 'Journal position of the record' });
const closed = { additionalProperties: false } as const;

/** The message is durable. */
export const StoredReceipt = Type.Object(
  {
    status: Type.Union([Type.Literal('accepted'), Type.Literal('repeat'), Type.Literal('revision')]),
    record: RecordId,
    leafHash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'RFC 6962 leaf hash of the record' }),
  },
  closed,
);

/** The message was not admitted and is kept aside. */
export const QuarantinedReceipt = Type.Object(
  { status: Type.Literal('quarantined'), code: Type.String({ pattern: '^[A-Z][A-Z0-9_]+$' }), detail: Type.String() },
  closed,
);

/** The batch of the record is in the ledger. */
export const AnchoredReceipt = Type.Object(
  {
    status: Type.Literal('anchored'),
    record: RecordId,
    batch: Type.Integer({ minimum: 0 }),
    ledgerIndex: Type.Integer({ minimum: 0 }),
    checkpointSize: Type.Integer({ minimum: 1, description: 'Size of a signed tree that covers the entry' }),
  },
  closed,
);

export type Receipt = Static<typeof StoredReceipt> | Static<typeof QuarantinedReceipt> | Static<typeof AnchoredReceipt>;
