/** What the connection pill says, from the stream's state. */
import type { StreamState } from './stream-core.ts';

export type Connection =
  | { readonly kind: 'connecting' }
  /** `ageMs`: age of the newest record this screen has seen; null before the first. */
  | { readonly kind: 'live'; readonly ageMs: number | null }
  | { readonly kind: 'catching-up'; readonly records: number }
  | { readonly kind: 'reconnecting'; readonly attempt: number; readonly nextInMs: number | null; readonly since: number }
  | { readonly kind: 'disconnected'; readonly attempt: number; readonly nextInMs: number | null; readonly since: number };

/** A blink of the network is a reconnect; from here on the reader is told plainly that nothing comes in. */
export const DISCONNECTED_AFTER_MS = 3000;

/**
 * @param state null before the first snapshot is there
 * @param now epoch ms, same clock as the state's
 * @param newestAt epoch ms at which the newest record was received
 */
export function connectionOf(state: StreamState | null, now: number, newestAt: number | null): Connection {
  if (state === null) return { kind: 'connecting' };
  if (state.lostAt !== null) {
    const kind = now - state.lostAt >= DISCONNECTED_AFTER_MS ? 'disconnected' : 'reconnecting';
    const nextInMs = state.retryAt === null ? null : Math.max(0, state.retryAt - now);
    return { kind, attempt: state.attempt, nextInMs, since: state.lostAt };
  }
  if (state.phase === 'catching-up') return { kind: 'catching-up', records: state.head - state.cursor };
  if (state.phase === 'live') return { kind: 'live', ageMs: newestAt === null ? null : Math.max(0, now - newestAt) };
  return { kind: 'connecting' };
}

/** True while numbers on the screen are kept current by the stream. */
export function isCurrent(connection: Connection): boolean {
  return connection.kind === 'live' || connection.kind === 'catching-up';
}
