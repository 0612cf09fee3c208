/**
 * What is told of an alert to others, whatever the way: body of a webhook (Standard Webhooks 1.0.0, "Payload structure"), message
 * on an MQTT topic, and what one region signs for another.
 */
import { type Static, Type } from 'typebox';
import { SEVERITIES } from '../alerts/alert.ts';

/** Far more than any of them needs: what comes from another region is bounded too. */
const TEXT_MAX_LENGTH = 2000;
const NAME_MAX_LENGTH = 256;
const VALUES_MAX = 200;
const closed = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: TEXT_MAX_LENGTH });
const Name = Type.String({ maxLength: NAME_MAX_LENGTH });
const Time = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });
const Texts = Type.Object({ zh: Type.Optional(Text), en: Type.Optional(Text) }, closed);

export const AlertData = Type.Object(
  {
    alert: Type.String({ pattern: '^(?:[0-9a-f]{32})?$', description: 'Empty for a test' }),
    record: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,16}$', description: 'Journal position of the record that it tells; absent for a test' }),
    ),
    transition: Type.Integer({ minimum: 0, description: 'Number of that record among those of the alert; 0 is the raise' }),
    cause: Type.String({ maxLength: NAME_MAX_LENGTH, description: 'Type of that record' }),
    severity: Type.Enum([...SEVERITIES]),
    contract: Name,
    version: Type.String({ maxLength: NAME_MAX_LENGTH, description: 'Hash of the contract’s canonical form' }),
    rule: Name,
    agency: Name,
    dataset: Name,
    subject: Name,
    place: Texts,
    location: Type.Optional(Type.Object({ lat: Type.Number(), lon: Type.Number() }, closed)),
    since: Time,
    expires: Type.Optional(Time),
    values: Type.Record(Type.String({ maxLength: NAME_MAX_LENGTH }), Type.Union([Type.Number(), Text, Type.Boolean()]), {
      maxProperties: VALUES_MAX,
    }),
    message: Texts,
    simulated: Type.Boolean({ description: 'Made-up data are among the sources' }),
    proof: Type.Optional(Type.String({ maxLength: TEXT_MAX_LENGTH, description: 'Where the record’s proof is to be had' })),
  },
  closed,
);
export type AlertData = Static<typeof AlertData>;

export const ALERT_MESSAGE_TYPES = ['alert.raised', 'alert.updated', 'alert.cancelled', 'channel.test'] as const;

const message = {
  type: Type.Enum([...ALERT_MESSAGE_TYPES]),
  timestamp: Time,
  data: AlertData,
};
export const AlertMessage = Type.Object(message, closed);
export type AlertMessage = Static<typeof AlertMessage>;

/** On MQTT topics, which have no headers: with the id that is the same at each attempt. */
export const AlertAnnouncement = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: NAME_MAX_LENGTH, description: 'The same when it comes again' }), ...message },
  closed,
);
export type AlertAnnouncement = Static<typeof AlertAnnouncement>;
