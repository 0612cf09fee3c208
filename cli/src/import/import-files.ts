/**
 * The course of an import: all files are checked before anything is sent, so that a broken one changes nothing; then the
 * producers are put on record, the readings sent file by file, and each finished file put on record itself.
 */
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CONTROL_AGENCY, IMPORTS_DATASET, type ImportRecord } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import { type FileProducer, type IngestClient, IngestRefusal } from '../ingest-client.ts';
import type { CheckedFile, Fault } from './check-file.ts';
import { type ImportState, type ImportStates, importKey, REMOVED } from './import-state.ts';
import { NO_COUNTS, type SendCounts, sendFile } from './send-file.ts';

/** ingest that was killed is back within seconds; longer than this it needs a person. */
const PATIENCE_MS = 60_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2000;
/** Refusals that pass by themselves. */
const PASSING = new Set(['OVERLOADED', 'SERVICE_UNAVAILABLE', 'INTERNAL']);

export interface ImportOptions {
  readonly ingest: IngestClient;
  readonly states: ImportStates;
  readonly agencyOf: (file: CheckedFile) => string;
  readonly alert: boolean;
  /** Sends what was imported before, too. */
  readonly again: boolean;
  /** Told after each commit how many readings and values of all files are done. */
  readonly onProgress: (readings: number, values: number) => void;
  readonly onRefused: (file: CheckedFile, fault: Fault) => void;
  readonly signal: AbortSignal;
}

export interface ImportedFile {
  readonly checked: CheckedFile;
  readonly counts: SendCounts;
  /** Readings that were not sent because an earlier run had brought them in. */
  readonly skipped: number;
  /** Journal position of the import's own record; undefined: not finished, or nothing was added. */
  readonly recordedAt: number | undefined;
  readonly isFinished: boolean;
}

/** Puts the producers of all files on record where they are not. @returns how many were added */
export async function enrolProducers(files: readonly CheckedFile[], { ingest, agencyOf, signal }: ImportOptions): Promise<number> {
  const producers = new Map<string, FileProducer>();
  for (const file of files) {
    const agency = agencyOf(file);
    for (const { dataset, ...route } of file.routes) {
      const datasets = new Set([...(producers.get(route.producer)?.datasets ?? []), dataset]);
      producers.set(route.producer, { ...route, agency, datasets: [...datasets].sort() });
    }
  }
  // Where nothing runs, that is said at once.
  await ingest.status();
  return (await patiently(() => ingest.enrolFromFile([...producers.values()]), signal)).added;
}

/** Sends the files one after the other. An interrupt ends it after what is under way. */
export async function importFiles(files: readonly CheckedFile[], options: ImportOptions): Promise<ImportedFile[]> {
  const imported: ImportedFile[] = [];
  for (const checked of files) {
    if (options.signal.aborted) imported.push({ checked, counts: NO_COUNTS, skipped: 0, recordedAt: undefined, isFinished: false });
    else imported.push(await importFile(checked, options));
  }
  return imported;
}

async function importFile(checked: CheckedFile, options: ImportOptions): Promise<ImportedFile> {
  const { ingest, states, signal } = options;
  const agency = options.agencyOf(checked);
  const key = importKey(checked, agency);
  const known = await states.read(key, (position) => hashOf(ingest, position));
  const isOnRecord = known?.recordedAt !== undefined;
  if (isOnRecord && !options.again) {
    options.onProgress(checked.readings, 0);
    return { checked, counts: NO_COUNTS, skipped: checked.readings, recordedAt: known.recordedAt, isFinished: true };
  }
  const begun = isOnRecord ? undefined : known;
  const startedAt = begun?.startedAt ?? Date.now();
  let state: Omit<ImportState, 'format'> = {
    file: checked.file.name,
    startedAt,
    through: begun?.through ?? 0,
    counts: begun?.counts ?? NO_COUNTS,
  };
  const skipped = state.through;
  options.onProgress(skipped, 0);
  const isFinished = await sendFile(checked, {
    agency,
    alert: options.alert,
    skip: skipped,
    counts: state.counts,
    post: (chunk) => patiently(() => ingest.importChunk(chunk), signal),
    onCommitted: async (through, values, counts) => {
      options.onProgress(through - state.through, values);
      const lastRecord = counts.last === undefined ? undefined : await hashOf(ingest, counts.last);
      state = { ...state, through, counts, ...(lastRecord === undefined ? {} : { lastRecord }) };
      // A run that only repeats what is there must not make the state of the one that brought it in forget it.
      if (!isOnRecord) states.write(key, state);
    },
    onRefused: (fault) => options.onRefused(checked, fault),
    signal,
  });
  const { counts } = state;
  const hasAdded = counts.accepted + counts.revisions > 0;
  let recordedAt = known?.recordedAt;
  if (isFinished && hasAdded) {
    recordedAt = await record(ingest, key, recordOf(checked, state, agency, options.alert));
    if (!isOnRecord) states.write(key, { ...state, recordedAt });
  }
  return { checked, counts, skipped, recordedAt, isFinished };
}

async function record(ingest: IngestClient, key: string, payload: ImportRecord): Promise<number> {
  const messageId = `import:${key.slice(0, 32)}-${payload.startedAt}`;
  const [position] = await patiently(
    () => ingest.writeRecords([{ agency: CONTROL_AGENCY, dataset: IMPORTS_DATASET, producer: 'import', messageId, payload }]),
    new AbortController().signal,
  );
  return position as number;
}

function recordOf(
  checked: CheckedFile,
  { startedAt, counts }: Pick<ImportState, 'startedAt' | 'counts'>,
  agency: string,
  alerting: boolean,
): ImportRecord {
  const { file, sha256, format, readings, values, faults, truncatedAtLine, firstTime, lastTime } = checked;
  const { accepted, repeats, revisions, quarantined, first, last } = counts;
  return {
    type: 'import',
    file: file.name,
    sha256,
    sizeBytes: file.sizeBytes,
    format: format.name,
    agency,
    by: userInfo().username,
    alerting,
    counts: { readings, values, accepted, repeats, revisions, quarantined, faults },
    ...(truncatedAtLine === undefined ? {} : { truncatedAtLine }),
    ...(firstTime === undefined ? {} : { firstTime }),
    ...(lastTime === undefined ? {} : { lastTime }),
    ...(first === undefined ? {} : { firstPosition: first }),
    ...(last === undefined ? {} : { lastPosition: last }),
    startedAt,
    finishedAt: Date.now(),
  };
}

async function hashOf(ingest: IngestClient, position: number): Promise<string | undefined> {
  const bytes = await patiently(() => ingest.record(position), new AbortController().signal).catch((error: unknown) => {
    if (error instanceof IngestRefusal && error.code === 'RECORD_EXPIRED') return REMOVED;
    throw error;
  });
  if (bytes === REMOVED) return REMOVED;
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex');
}

/** Tries again while ingest is away or busy: whatever is sent twice is stored once. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MAX_MS)) {
    try {
      return await work();
    } catch (error) {
      const isPassing = error instanceof EnvironmentError || (error instanceof IngestRefusal && PASSING.has(error.code));
      if (!isPassing || signal.aborted || performance.now() > deadline) throw error;
      await delay(waitMs);
    }
  }
}
