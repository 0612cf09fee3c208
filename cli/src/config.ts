/** Settings of what the command itself runs beside the services: the audit of `airtight up` and `airtight audit --watch`. */
import { type ConfigOf, resolveConfig, type Settings } from '@airtight/protocol';

export const AUDIT_SETTINGS = {
  intervalS: {
    type: 'integer',
    env: 'AIRTIGHT_AUDIT_INTERVAL_S',
    default: 0,
    min: 0,
    max: 86_400,
    doc: 'How often the audit of `airtight up` looks at what is new and at a share of what is old, seconds. 0: it does not run.',
  },
  periodDays: {
    type: 'integer',
    env: 'AIRTIGHT_AUDIT_PERIOD_DAYS',
    default: 7,
    min: 1,
    max: 3650,
    doc: 'Within so many days everything that is old is read again, and the store compared once.',
  },
  bytesPerSecondMax: {
    type: 'integer',
    env: 'AIRTIGHT_AUDIT_BYTES_PER_SECOND_MAX',
    default: 16_777_216,
    min: 65_536,
    max: 10_000_000_000,
    doc: 'It reads at most so many bytes of the journal in a second, however much there is to do: the disk belongs to those who acknowledge.',
  },
} as const satisfies Settings;

export type AuditConfig = ConfigOf<typeof AUDIT_SETTINGS>;

/** @throws AirtightError CONFIG_UNKNOWN_KEY, CONFIG_INVALID */
export function resolveAuditConfig(section: unknown, env: { readonly [name: string]: string | undefined }): AuditConfig {
  return resolveConfig(AUDIT_SETTINGS, section, env);
}
