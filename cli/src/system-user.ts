/** Who runs the command, as it goes on record. */
import { userInfo } from 'node:os';

/** `cli:` and the account on this machine, at most 64 characters. */
export function systemUser(): string {
  return `cli:${accountName()}`.slice(0, 64);
}

/** A container may run under a number that has no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
