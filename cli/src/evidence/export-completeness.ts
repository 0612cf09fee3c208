/** A completeness proof fetched part by part, each into a file of its own: a day of a busy journal is more than fits into memory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBatchRecord, parseCompletenessProof } from '@airtight/protocol';
import { type ApiClient, ApiRefusal } from '../api-client.ts';
import type { Terminal } from '../terminal.ts';

export interface CompletenessQuestion {
  readonly producer: string;
  readonly dataset: string;
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
}

/** The service makes one proof at a time. */
const BUSY_WAIT_MS = 1000;
const BUSY_TRIES_MAX = 60;

/**
 * @param folder made when it is not there
 * @returns the files, in order
 * @throws ApiRefusal
 */
export async function exportCompleteness(
  api: ApiClient,
  question: CompletenessQuestion,
  folder: string,
  terminal: Terminal,
): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  let more: Readonly<Record<string, string>> | undefined = {};
  while (more !== undefined) {
    const text = await fetchPart(api, { ...question, ...more });
    const part = parseCompletenessProof(text);
    if (!part.ok) throw new ApiRefusal(part.code, part.detail);
    const { batches, next, until } = part.value;
    const number = String(files.length + 1).padStart(3, '0');
    const file = join(folder, `${question.producer}-${question.dataset}.${number}.airtight-complete.json`);
    writeFileSync(file, text);
    files.push(file);
    const last = decodeBatchRecord(batches.at(-1)?.record ?? new Uint8Array(0));
    const reached = last.ok ? new Date(last.value.lastAt).toISOString() : '';
    terminal.note({ zh: `${file}：${batches.length} 个批次，至 ${reached}`, en: `${file}: ${batches.length} batches, to ${reached}` });
    more = next === undefined ? undefined : { batch: String(next), until: new Date(until).toISOString() };
  }
  return files;
}

async function fetchPart(api: ApiClient, query: Readonly<Record<string, string>>): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await api.completeness(query);
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.code !== 'OVERLOADED' || tries >= BUSY_TRIES_MAX) throw error;
      await sleep(BUSY_WAIT_MS);
    }
  }
}
