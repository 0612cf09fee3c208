/** Why a request gave no answer, in one shape for everything a panel may have to say. */
import type { Problem } from '@airtight/protocol';

export interface RequestProblem {
  /** Stable code of the server's problem document, or NETWORK / TIMEOUT when no answer came. */
  readonly code: string;
  /** In the reader's language where the server sent it; empty for NETWORK and TIMEOUT, which the screens word themselves. */
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly requestId?: string;
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: RequestProblem };

export const NETWORK_PROBLEM: RequestProblem = { code: 'NETWORK', title: '', status: 0 };
export const TIMEOUT_PROBLEM: RequestProblem = { code: 'TIMEOUT', title: '', status: 0 };

/** @param body parsed answer of a status outside 200–299; undefined when it was no JSON */
export function toProblem(status: number, statusText: string, body: unknown): RequestProblem {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  return {
    code: typeof given.code === 'string' ? given.code : `HTTP_${status}`,
    title: typeof given.title === 'string' ? given.title : statusText,
    status,
    ...(typeof given.detail === 'string' ? { detail: given.detail } : {}),
    ...(typeof given.requestId === 'string' ? { requestId: given.requestId } : {}),
  };
}

/** True when signing in, or another role, would help. */
export function isForbidden(problem: RequestProblem): boolean {
  return problem.status === 401 || problem.code === 'ROLE_REQUIRED';
}
