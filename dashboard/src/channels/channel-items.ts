/** What the API says of channels (docs/reference/channels.md), as far as the screens show it. Times are RFC 3339. */
import type { AlertDelivery, ChannelRecord, DeliveryOutcome } from '@airtight/protocol';

export interface AttemptItem {
  /** From 1; 0: it was never tried. */
  readonly n: number;
  readonly at: string;
  readonly outcome: DeliveryOutcome['outcome'];
  readonly detail: string;
}

export interface ChannelItem extends Omit<ChannelRecord, 'type' | 'removed'> {
  readonly health: {
    readonly waiting: number;
    readonly dead: number;
    readonly delivered: number;
    readonly lastDelivered: AttemptItem | null;
    readonly lastFailed: AttemptItem | null;
  };
  /** Told once: when it is made. */
  readonly secret?: string;
}

export interface DeliveryItem {
  readonly id: number;
  readonly channel: string;
  /** null: a test. */
  readonly alert: string | null;
  /** Of the transition that it tells. */
  readonly record: string | null;
  readonly kind: 'alert' | 'update' | 'cancel' | 'test';
  readonly message: string;
  readonly createdAt: string;
  readonly state: AlertDelivery['state'];
  readonly nextAt: string | null;
  readonly attempts: readonly AttemptItem[];
}

export interface DeliveryPage {
  readonly items: readonly DeliveryItem[];
  readonly next: string | null;
}

/** How a channel is doing, the most telling first. */
export type ChannelStanding = 'disabled' | 'failing' | 'unused' | 'well';

/** `failing`: its newest attempt failed. */
export function standingOf({ disabled, health: { lastDelivered, lastFailed } }: Pick<ChannelItem, 'disabled' | 'health'>): ChannelStanding {
  if (disabled) return 'disabled';
  if (lastFailed !== null && (lastDelivered === null || lastFailed.at > lastDelivered.at)) return 'failing';
  return lastDelivered === null ? 'unused' : 'well';
}
