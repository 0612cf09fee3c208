/** The one door to the API: same origin, JSON, session cookie, CSRF token, the reader's language, a time limit. */
import { CSRF_HEADER } from '@airtight/protocol';
import { type Answer, NETWORK_PROBLEM, TIMEOUT_PROBLEM, toProblem } from './problem.ts';

type Headers = { readonly [name: string]: string };
export type Query = { readonly [name: string]: string | number | undefined };

/** The server gives up a query after some seconds; beyond this nothing will come. */
const ANSWER_MAX_MS = 20_000;

const context: { locale: string; csrf: string | null } = { locale: 'zh-CN', csrf: null };

/** What the following requests carry. */
export function setRequestContext(change: Partial<typeof context>): void {
  Object.assign(context, change);
}

/** `GET /api/v1{path}`; undefined query values are left out. */
export function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer<T>> {
  return request<T>('GET', apiUrl(path, query), undefined, signal);
}

/** `GET` of a proof bundle or another document that must keep its exact text. */
export async function getText(path: string, signal?: AbortSignal): Promise<Answer<string>> {
  return send('GET', apiUrl(path, {}), undefined, signal, (response) => response.text());
}

/** `GET` of a public JSON file of the ledger, outside the API. */
export function getFile<T>(url: string, signal?: AbortSignal): Promise<Answer<T>> {
  return request<T>('GET', url, undefined, signal);
}

/** `POST` whose answer must keep its exact text. */
export function postText(path: string, body: unknown): Promise<Answer<string>> {
  return send('POST', apiUrl(path, {}), body, undefined, (response) => response.text());
}

/** `GET` of a public file of the ledger: its bytes, as the server has them now and not as this browser kept them. */
export function getBytes(url: string): Promise<Answer<Uint8Array>> {
  return send('GET', url, undefined, undefined, async (response) => new Uint8Array(await response.arrayBuffer()), 'no-store');
}

/** `POST`, `PUT` or `DELETE`; carries the CSRF token. */
export function sendJson<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, headers: Headers = {}): Promise<Answer<T>> {
  return send(method, apiUrl(path, {}), body, undefined, jsonOf<T>, 'default', headers);
}

export function apiUrl(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const suffix = parameters.toString();
  return `/api/v1${path}${suffix === '' ? '' : `?${suffix}`}`;
}

function request<T>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Answer<T>> {
  return send(method, url, body, signal, jsonOf<T>);
}

async function jsonOf<T>(response: Response): Promise<T> {
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function send<T>(
  method: string,
  url: string,
  body: unknown,
  signal: AbortSignal | undefined,
  read: (response: Response) => Promise<T>,
  cache: RequestCache = 'default',
  more: Headers = {},
): Promise<Answer<T>> {
  const limit = AbortSignal.timeout(ANSWER_MAX_MS);
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': context.locale, ...more };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && context.csrf !== null) headers[CSRF_HEADER] = context.csrf;
  try {
    const response = await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      cache,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return { ok: true, value: await read(response) };
    return { ok: false, problem: toProblem(response.status, response.statusText, await response.json().catch(() => undefined)) };
  } catch {
    return { ok: false, problem: limit.aborted ? TIMEOUT_PROBLEM : NETWORK_PROBLEM };
  }
}
