/**
 * Messages of the live stream, `GET /api/v1/stream?since={position}` (WebSocket, JSON text frames).
 *
 * The cursor is the journal position, the one order of live, history and export. A `frame` covers the positions
 * [from, next) without gap: the client's cursor is `next` of the last frame it took, a frame whose `from` is another
 * number shows a hole, and a reconnect with `since=cursor` continues exactly there. Frames cover positions that hold
 * nothing for this client too, so the cursor always moves.
 *
 * With `conflate=true` a frame holds only the newest readings of each producer, and where much comes in there is one frame a
 * second; alerts are sent `ahead` of it meanwhile.
 */
import type { AlertTransition } from '../alerts/alert.ts';
import type { FlagItem, LatestItem, LedgerStatus, ObservationQuality, SystemFault } from './http-api.ts';

export interface HelloMessage {
  readonly type: 'hello';
  /** Where the first frame will begin. */
  readonly from: number;
  /** Committed end of the journal at this moment: from < head means the client is catching up. */
  readonly head: number;
}

export interface FrameMessage {
  readonly type: 'frame';
  readonly from: number;
  readonly next: number;
  readonly head: number;
  readonly events: readonly StreamEvent[];
  /** Conflating clients only: how many records of readings in [from, next) were left out, by `{dataset}/{producer}`. */
  readonly skipped?: Readonly<Record<string, number>>;
}

/** Alerts that a conflating client is told before the frame that they stand in. They come again there, and the cursor does not move. */
export interface AheadMessage {
  readonly type: 'ahead';
  readonly events: readonly StreamEvent[];
}

export type StreamEvent =
  | ({ readonly type: 'observation'; readonly position: number } & LatestItem)
  /** The record at `position` decided how values of earlier ones are judged: a spike shows when the value after it is there. */
  | { readonly type: 'verdict'; readonly position: number; readonly values: readonly JudgedValue[] }
  /** A person flagged values, or withdrew a flag: it holds for those in [from, to) that were sent before and that come. */
  | { readonly type: 'flag'; readonly position: number; readonly flag: FlagItem }
  | { readonly type: 'alert'; readonly position: number; readonly transition: AlertTransition };

/** A value that was sent before, and how it is judged now. */
export interface JudgedValue {
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
  readonly phenomenonTime: string;
  readonly record: string;
  readonly quality: ObservationQuality;
}

/** The server dropped [from, next) because this client read too slowly; the client must fetch it from history. */
export interface GapMessage {
  readonly type: 'gap';
  readonly from: number;
  readonly next: number;
}

/** Every STREAM_HEARTBEAT_MS: the connection lives, and this is how far journal, projection and ledger are. */
export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  readonly at: number;
  readonly head: number;
  readonly ledger: LedgerStatus;
  /** What keeps the deployment from taking or proving readings at this moment. */
  readonly faults: readonly SystemFault[];
}

export type StreamMessage = HelloMessage | FrameMessage | AheadMessage | GapMessage | HeartbeatMessage;
export const STREAM_HEARTBEAT_MS = 2000;
