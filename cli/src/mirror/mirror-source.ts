/** Where a mirror takes from: a running region over HTTP, or a data directory (which may itself be a mirror). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { LogSource } from '@airtight/ledger';
import { FEED_NEXT_HEADER, FEED_WITHHELD_HEADER, type LedgerDetail, type Problem, readFrame } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import { RecordReader } from '../journal/record-reader.ts';
import { readMirrorInfo } from './mirror-info.ts';

export interface MirrorSource {
  readonly name: string;
  readonly ledger: LogSource;
  /** The log's verifier key as the source tells it: believed only where nobody else has told one. */
  vkey(): Promise<string>;
  /** Frame bodies from a position on, to the end of what is there. */
  bodies(from: number): AsyncGenerator<Uint8Array>;
  /** Datasets, by the beginning of their names, whose payloads are not handed out; known after the first body. */
  withheld(): readonly string[];
}

const REQUEST_TIMEOUT_MS = 60_000;
/** A source that is restarted is waited for; one that stays away ends the run, and the next one goes on. */
const ATTEMPTS = 4;
const RETRY_MS = 500;
/** Ledger files are at most 256 entries of 65,535 bytes. */
const LEDGER_FILE_MAX_BYTES = 20 * 1024 * 1024;

/**
 * @param from an address, or a data directory
 * @param token an API token; undefined: as a visitor
 * @throws EnvironmentError when it is neither
 */
export function sourceOf(from: string, token: string | undefined): MirrorSource {
  if (/^https?:\/\//.test(from)) return httpSource(from, token);
  if (existsSync(from)) return directorySource(from);
  throw new EnvironmentError({ zh: `没有 ${from}：既非网址，也非目录`, en: `There is no ${from}: neither an address nor a folder` });
}

/** @param token an API token; undefined: as a visitor */
export function httpSource(url: string, token: string | undefined): MirrorSource {
  const base = url.replace(/\/+$/, '');
  const headers: { [name: string]: string } = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get = (path: string) => request(`${base}${path}`, headers);
  let withheld: readonly string[] = [];
  return {
    name: base,
    ledger: { read: async (path) => bytesOf(await get(`/ledger/${path}`)) },
    vkey: async () => ((await (await found(await get('/api/v1/ledger'))).json()) as LedgerDetail).vkey,
    withheld: () => withheld,
    async *bodies(from) {
      for (let next = from; ; ) {
        const response = await found(await get(`/api/v1/feed?from=${next}`));
        withheld = (response.headers.get(FEED_WITHHELD_HEADER) ?? '').split(' ').filter((prefix) => prefix !== '');
        const bytes = new Uint8Array(await response.arrayBuffer());
        for (let at = 0; at < bytes.length; ) {
          const frame = readFrame(bytes, at, crc32);
          if (typeof frame === 'string') throw unusable(base, `a frame of its feed after position ${next} is damaged (${frame})`);
          yield frame.body;
          at = frame.end;
        }
        const end = Number(response.headers.get(FEED_NEXT_HEADER));
        if (!(end > next)) return;
        next = end;
      }
    },
  };
}

export function directorySource(path: string): MirrorSource {
  const data = dataDirectory(path);
  const withheld = readMirrorInfo(data)?.withheld ?? [];
  return {
    name: data.root,
    ledger: { read: async (file) => readIfThere(join(data.ledger, file)) },
    vkey: async () => readFileSync(data.ledgerVkeyFile, 'utf8').trim(),
    withheld: () => withheld,
    async *bodies(from) {
      const frames = new RecordReader(join(data.journal, 'records')).from(from);
      for (let step = frames.next(); ; step = frames.next()) {
        if (step.done !== true) yield step.value.body;
        else if (step.value.damage === undefined) return;
        else throw unusable(path, `${step.value.damage.file}, byte ${step.value.damage.offset}: ${step.value.damage.detail}`);
      }
    },
  };
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

async function request(url: string, headers: { readonly [name: string]: string }): Promise<Response> {
  let failure = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS * 2 ** attempt));
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      if (response.status < 500 && response.status !== 429) return response;
      failure = `HTTP ${response.status}`;
      await response.body?.cancel();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
  }
  throw unusable(url, failure);
}

async function bytesOf(response: Response): Promise<Uint8Array | null> {
  if (response.status === 404) {
    await response.body?.cancel();
    return null;
  }
  const length = Number((await found(response)).headers.get('content-length') ?? 0);
  if (length > LEDGER_FILE_MAX_BYTES) throw unusable(response.url, `${length} bytes`);
  return new Uint8Array(await response.arrayBuffer());
}

async function found(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw unusable(response.url, `HTTP ${response.status} ${problem.code ?? ''} ${problem.detail ?? ''}`.trimEnd());
}

function unusable(source: string, detail: string): EnvironmentError {
  return new EnvironmentError({ zh: `无法从 ${source} 取得镜像：${detail}`, en: `${source} cannot be mirrored: ${detail}` });
}
