/**
 * Whom this browser trusts: a tlog-policy, remembered per origin. The first time, the deployment's own key is taken
 * (trust on first use) and said to be so; later a deployment that shows another key is caught by it.
 */
import { ref } from 'vue';

export interface Trust {
  /** c2sp.org/tlog-policy text. */
  readonly policy: string;
  /** Epoch ms at which it was remembered. */
  readonly since: number;
  /** `first-use`: the key that this deployment named; `chosen`: a policy that the reader gave. */
  readonly origin: 'first-use' | 'chosen';
}

const KEY = 'airtight.trust';

/** The policy that trusts one log and asks for no witness. */
export function policyForKey(vkey: string): string {
  return `log ${vkey}\nquorum none\n`;
}

/** True when the policy names the key. */
export function policyKnows(policy: string, vkey: string): boolean {
  return policy.split('\n').some((line) => line.split(/[ \t]+/).includes(vkey));
}

/** Verifier keys of the logs that a policy trusts. */
export function vkeysOf(policy: string): string[] {
  return policy.split('\n').flatMap((line) => {
    const [keyword, vkey] = line.trim().split(/[ \t]+/);
    return keyword === 'log' && vkey !== undefined ? [vkey] : [];
  });
}

/**
 * A ledger changes its key by signing with both for a while. Who trusts the old one on first use then trusts the new one
 * too; a policy that the reader chose is the reader's to change.
 */
export function trustNextKey(vkey: string): void {
  const known = trust.value;
  if (known?.origin !== 'first-use' || policyKnows(known.policy, vkey)) return;
  rememberTrust({ ...known, policy: `log ${vkey}\n${known.policy}` });
}

/** @param stored text from storage; anything that is not a trust is no trust */
export function readTrust(stored: string | null): Trust | null {
  try {
    const trust = JSON.parse(stored ?? 'null') as Partial<Trust> | null;
    if (typeof trust?.policy !== 'string' || typeof trust.since !== 'number') return null;
    return { policy: trust.policy, since: trust.since, origin: trust.origin === 'chosen' ? 'chosen' : 'first-use' };
  } catch {
    return null;
  }
}

function recall(): Trust | null {
  try {
    return readTrust(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export const trust = ref<Trust | null>(recall());

export function rememberTrust(next: Trust): void {
  trust.value = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Storage is forbidden here: the trust holds until the page is closed, and the page says since when.
  }
}

/** The remembered trust; on the first use the given key becomes it. undefined: nothing is known yet. */
export function trustFor(vkey: string | undefined, now: number): Trust | undefined {
  if (trust.value !== null) return trust.value;
  if (vkey === undefined) return undefined;
  const first: Trust = { policy: policyForKey(vkey), since: now, origin: 'first-use' };
  rememberTrust(first);
  return first;
}
