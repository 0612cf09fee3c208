/** Control records of what is exchanged with other regions. What they sign stands in them as it came (region-exchange.ts). */
export const REGIONS_DATASET = 'sys.regions';

/** Payload in `sys.regions`: an alert that another region has sent; a second time when a proof that holds came later. */
export interface RegionAlertRecord {
  readonly type: 'region-alert';
  /** Name of the region here. */
  readonly region: string;
  readonly delivery: string;
  readonly alert: string;
  readonly note: string;
  /** Verifier key by which the note's signature was checked, or with which it was made here. */
  readonly vkey: string;
  /** The bundle that came with it (`airtight-proof@1`); null: none came. */
  readonly proof: object | null;
  /** `verified`, or the code of what is wrong with the proof. */
  readonly verdict: string;
  /** Of what is wrong. */
  readonly detail?: string;
}

/** Payload in `sys.regions`: another region's receipt for an alert of ours; its signature was checked. A second one when a late proof held. */
export interface RegionReceiptRecord {
  readonly type: 'region-receipt';
  readonly region: string;
  readonly channel: string;
  readonly delivery: string;
  readonly alert: string;
  readonly note: string;
  /** Verifier key by which the note's signature was checked, or with which it was made here. */
  readonly vkey: string;
}

/** Payload in `sys.regions`: what a person here did with another region's alert, or a person there with ours. */
export interface RegionActRecord {
  readonly type: 'region-act';
  readonly direction: 'sent' | 'received';
  readonly region: string;
  readonly delivery: string;
  readonly alert: string;
  readonly note: string;
  /** Verifier key by which the note's signature was checked, or with which it was made here. */
  readonly vkey: string;
}

export type RegionRecord = RegionAlertRecord | RegionReceiptRecord | RegionActRecord;
