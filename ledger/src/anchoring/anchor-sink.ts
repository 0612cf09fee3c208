/** Where checkpoints are anchored: outside of the log, with somebody who gains nothing by helping its operator. */
import { type AnchorKind, anchorImprint, parseCheckpoint, parseNote } from '@airtight/tlog';

/** A checkpoint to be anchored. */
export interface AnchorTarget {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The signed note. */
  readonly note: string;
  /** Its text without signatures: what is anchored. */
  readonly body: string;
  /** SHA-256 of the body. */
  readonly imprint: Uint8Array;
}

/** A receipt, or what it takes to ask for one later: kept durably, a text of the sink's own. */
export type Submission =
  | { readonly kind: 'receipt'; readonly receipt: Uint8Array }
  | { readonly kind: 'pending'; readonly pending: string };

/** What a receipt shows to whoever holds it. */
export interface ReceiptReading {
  /** Epoch ms; null when nobody vouches for a time. */
  readonly timeMs: number | null;
  /** Who vouches, or where to look. */
  readonly authority: string;
}

export interface AnchorSink {
  /** Part of paths: `anchors/<size>/<id>`. */
  readonly id: string;
  readonly kind: AnchorKind;
  readonly intervalMs: number;
  /**
   * Brings a checkpoint. Asked again for the same one after a crash or an error: must then do no harm.
   * @throws when it does not work out this time
   */
  submit(target: AnchorTarget, signal: AbortSignal): Promise<Submission>;
  /** Asks what became of a submission. @throws as submit */
  poll(pending: string, target: AnchorTarget, signal: AbortSignal): Promise<Submission>;
  /** Reads a receipt as its holder will. @throws when it is not for this checkpoint, or not good */
  verify(receipt: Uint8Array, target: AnchorTarget): ReceiptReading;
}

/** @param note a checkpoint that the log itself has published @throws when it is none */
export function anchorTarget(note: string): AnchorTarget {
  const parsed = parseNote(Buffer.from(note));
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  if (!parsed.ok || !checkpoint.ok) throw new Error(`no checkpoint: ${checkpoint.ok ? '' : checkpoint.detail}`);
  const { origin, size, root } = checkpoint.value;
  const { text: body } = parsed.value;
  return { origin, size, root: Buffer.from(root).toString('base64'), note, body, imprint: anchorImprint(body) };
}
