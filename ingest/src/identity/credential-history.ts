/** A device's list of credentials, changed: nothing leaves it but what ended long ago. */
import { accept, CREDENTIALS_MAX, type Credential, isValidAt, type Outcome, refuse } from '@airtight/protocol';

/**
 * Adds credentials; those of the same kind go on for `overlapMs`, or end at once when they were ending already: at most
 * two passwords or keys of a kind count at a time, and a login costs at most two hashes.
 * @returns REQUEST_INVALID when one is on the list already, or the list is full of what has not ended
 */
export function withCredentials(
  list: readonly Credential[],
  fresh: readonly Credential[],
  now: number,
  overlapMs: number,
): Outcome<readonly Credential[]> {
  const known = fresh.find(({ id }) => list.some((credential) => credential.id === id));
  if (known !== undefined) return refuse('REQUEST_INVALID', `credential ${known.id} is on record already`);
  const kinds = new Set(fresh.map(({ kind }) => kind));
  const kept = list.map((credential) => {
    if (!kinds.has(credential.kind) || !isValidAt(credential, now)) return credential;
    const isEnding = credential.validTo !== undefined && credential.kind !== 'certificate';
    return ended(credential, isEnding ? now : Math.min(now + overlapMs, credential.validTo ?? Infinity), now);
  });
  const all = [...kept, ...fresh];
  while (all.length > CREDENTIALS_MAX) {
    const past = all.findIndex(({ kind, validTo = Infinity }) => validTo <= now && kind !== 'signing-ed25519');
    if (past < 0) return refuse('REQUEST_INVALID', `${CREDENTIALS_MAX} credentials are on record`);
    all.splice(past, 1);
  }
  return accept(all);
}

/** Ends credentials now. @param which absent: all of them */
export function endCredentials(
  list: readonly Credential[],
  now: number,
  which?: (credential: Credential) => boolean,
): readonly Credential[] {
  return list.map((credential) => {
    const isOver = credential.validTo !== undefined && credential.validTo <= now;
    return isOver || which?.(credential) === false ? credential : ended(credential, now, now);
  });
}

/** The hash of a password that is over is of no use to anybody but a guesser. */
function ended(credential: Credential, validTo: number, now: number): Credential {
  return 'hash' in credential && validTo <= now ? { ...credential, hash: '', validTo } : { ...credential, validTo };
}
