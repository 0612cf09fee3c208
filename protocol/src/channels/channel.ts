/** Channels: ways by which alerts leave the platform, and what became of each message on its way. Both are control records. */
import type { Severity } from '../alerts/alert.ts';
import type { Bilingual } from '../control.ts';
import type { DecodedRecord } from '../records/record.ts';

export const CHANNELS_DATASET = 'sys.channels';
export const DELIVERIES_DATASET = 'sys.deliveries';

export const CHANNEL_KINDS = ['cap', 'webhook', 'mail', 'mqtt', 'region'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** Which alerts a channel carries; what is left out is not asked for. */
export interface ChannelFilter {
  readonly severities?: readonly Severity[];
  readonly contracts?: readonly string[];
  readonly agencies?: readonly string[];
  readonly datasets?: readonly string[];
  /** Names of regions, in either language. */
  readonly regions?: readonly string[];
}

/** What stands for a place in a CAP message. */
export interface ChannelArea {
  /** GB/T 2260, six digits. */
  readonly geocode?: string;
  /** WGS 84 degrees, latitude first; four points or more, the last like the first. */
  readonly polygon?: readonly (readonly [latitude: number, longitude: number])[];
}

/** Payload in `sys.channels`, keyed by channel. No secret stands in it. */
export interface ChannelRecord {
  readonly type: 'channel';
  readonly channel: string;
  readonly kind: ChannelKind;
  readonly title: Bilingual;
  /** webhook: the URL. */
  readonly url?: string;
  /** mail: the addresses. */
  readonly to?: readonly string[];
  /** region: its name in the file of regions. */
  readonly region?: string;
  /** cap: who sends, unique by convention, e.g. a domain name (CAP 1.2 §3.2.1). */
  readonly sender?: string;
  /** cap: places by the name of a region in either language, of a producer or of an agency. */
  readonly areas?: { readonly [name: string]: ChannelArea };
  readonly languages: readonly ('zh' | 'en')[];
  readonly filter: ChannelFilter;
  /** True: it carries alerts whose contract names it, and no others. */
  readonly namedOnly: boolean;
  /** True: alerts of confidential datasets go this way too. Never of a CAP feed, which everybody can read. */
  readonly confidential: boolean;
  readonly disabled: boolean;
  /** Why it was disabled without a person. */
  readonly reason?: string;
  readonly removed: boolean;
  /** Account, or `airtight`. */
  readonly by: string;
}

/** How a message stands: `dead` is not tried again. */
export const DELIVERY_STATES = ['waiting', 'delivered', 'dead'] as const;

/** One attempt to deliver one message. */
export interface DeliveryOutcome {
  readonly channel: string;
  /** Of the alert; absent for a test. */
  readonly alert?: string;
  /** Journal position of the transition that it tells. */
  readonly record?: number;
  /** The same at each attempt. */
  readonly message: string;
  /** From 1. */
  readonly attempt: number;
  /** Epoch ms. */
  readonly at: number;
  /** `dead`: it failed and is not tried again. */
  readonly outcome: 'delivered' | 'failed' | 'dead';
  /** Without names and addresses of the receiver. */
  readonly detail: string;
}

/** Payload in `sys.deliveries`: attempts in the order in which they ended. */
export interface DeliveriesRecord {
  readonly type: 'deliveries';
  readonly outcomes: readonly DeliveryOutcome[];
}

/** The attempts that a record tells of; undefined when it tells of none, or was not written by our own services. */
export function deliveriesIn({ header, payload }: DecodedRecord): readonly DeliveryOutcome[] | undefined {
  if (header.dataset !== DELIVERIES_DATASET || header.door !== 'internal') return undefined;
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as Partial<DeliveriesRecord> | null;
    return json?.type === 'deliveries' && Array.isArray(json.outcomes) ? json.outcomes : undefined;
  } catch {
    return undefined;
  }
}
