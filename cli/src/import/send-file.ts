/** The second pass: sends a checked file's readings to ingest in chunks, two under way at a time, in the order of the file. */
import { FILE_DOOR, FILE_LIVE_DOOR } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import type { ChunkAnswer } from '../ingest-client.ts';
import { type CheckedFile, type Fault, FileSink } from './check-file.ts';
import type { FileReading } from './file-format.ts';
import { readWith } from './file-source.ts';

/** Of one chunk: a commit's worth, and far below what ingest takes. */
const CHUNK_READINGS = 10_000;
const CHUNK_CHARS = 3 * 1024 * 1024;
/** One is committed while the next is on its way. */
const CHUNKS_UNDER_WAY = 2;
/** Readings of a part of the file are read at a time; so many may wait to be sent. */
const CHUNKS_WAITING = 4;

export interface SendCounts {
  readonly accepted: number;
  readonly repeats: number;
  readonly revisions: number;
  readonly quarantined: number;
  /** Journal positions of the first and the last record that was added. */
  readonly first?: number;
  readonly last?: number;
}
export const NO_COUNTS: SendCounts = { accepted: 0, repeats: 0, revisions: 0, quarantined: 0 };

export interface SendOptions {
  readonly agency: string;
  /** Contracts judge the readings, and subscribers see them, as if they came live. */
  readonly alert: boolean;
  /** Readings at the beginning of the file that are in the journal already. */
  readonly skip: number;
  readonly counts: SendCounts;
  /** Sends a chunk until it is taken. */
  readonly post: (chunk: Buffer) => Promise<ChunkAnswer>;
  /** Everything up to `through` is in the journal. */
  readonly onCommitted: (through: number, values: number, counts: SendCounts) => Promise<void>;
  readonly onRefused: (fault: Fault) => void;
  readonly signal: AbortSignal;
}

interface Chunk {
  readonly body: string;
  /** Line of the file of each reading. */
  readonly lines: readonly number[];
  readonly values: number;
}

/**
 * @returns false when it was interrupted; what is committed stays, and another run goes on from there
 * @throws EnvironmentError when ingest does not take it, or the file changed since it was checked
 */
export async function sendFile(checked: CheckedFile, options: SendOptions): Promise<boolean> {
  const queue = new ChunkQueue(options);
  const sink = new SendingSink(checked, options, queue);
  try {
    const sha256 = await readWith(checked.file, checked.format, checked.options, sink, () => queue.room());
    if (sha256 !== checked.sha256) throw changed(checked.file.name);
    sink.close();
    await queue.drained();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    await queue.settled();
    return false;
  }
  return true;
}

class Interrupted extends Error {}

class SendingSink extends FileSink {
  readonly #head: string;
  readonly #queue: ChunkQueue;
  #skip: number;
  #rows: string[] = [];
  #lines: number[] = [];
  #chars = 0;
  #values = 0;

  constructor({ routes }: CheckedFile, { agency, alert, skip }: SendOptions, queue: ChunkQueue) {
    super();
    const named = routes.map(({ dataset, producer }) => [agency, dataset, producer]);
    this.#head = JSON.stringify({ door: alert ? FILE_LIVE_DOOR : FILE_DOOR, routes: named });
    this.#queue = queue;
    this.#skip = skip;
  }

  reading({ route, line, payload, values }: FileReading): void {
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#rows.push(`${route} ${payload}`);
    this.#lines.push(line);
    this.#chars += payload.length;
    this.#values += values;
    if (this.#rows.length >= CHUNK_READINGS || this.#chars >= CHUNK_CHARS) this.close();
  }

  /** Hands over what has gathered. */
  close(): void {
    if (this.#rows.length === 0) return;
    this.#queue.add({ body: `${this.#head}\n${this.#rows.join('\n')}\n`, lines: this.#lines, values: this.#values });
    this.#rows = [];
    this.#lines = [];
    this.#chars = 0;
    this.#values = 0;
  }

  noted(): void {
    // Told by the first pass.
  }

  blank(): void {
    // Counted by the first pass.
  }

  summary(): void {
    // Compared by the first pass.
  }
}

class ChunkQueue {
  readonly #options: SendOptions;
  #waiting: Chunk[] = [];
  #underWay = 0;
  /** Results are counted in the order of the chunks. */
  #counted: Promise<void> = Promise.resolve();
  #through: number;
  #counts: SendCounts;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(options: SendOptions) {
    this.#options = options;
    this.#through = options.skip;
    this.#counts = options.counts;
  }

  add(chunk: Chunk): void {
    this.#waiting.push(chunk);
    this.#start();
  }

  /** Resolves when there is room for more chunks. @throws what broke */
  room(): Promise<void> | undefined {
    this.#assertWell();
    return this.#waiting.length < CHUNKS_WAITING ? undefined : this.#until(() => this.#waiting.length < CHUNKS_WAITING);
  }

  /** Resolves when all is committed and counted. */
  async drained(): Promise<void> {
    await this.#until(() => this.#waiting.length === 0 && this.#underWay === 0);
    await this.#counted;
    this.#assertWell();
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#counted;
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      this.#assertWell();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#assertWell();
  }

  #assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#options.signal.aborted) throw new Interrupted();
  }

  #start(): void {
    while (this.#underWay < CHUNKS_UNDER_WAY && this.#waiting.length > 0 && this.#failure === undefined && !this.#options.signal.aborted) {
      const chunk = this.#waiting.shift() as Chunk;
      this.#underWay++;
      const result = this.#options.post(Buffer.from(chunk.body));
      // Told when its turn comes; until then it is nobody's yet.
      result.catch(() => undefined);
      const before = this.#counted;
      this.#counted = before
        .then(async () => this.#count(chunk, await result))
        .catch((error) => {
          this.#failure ??= error;
        })
        .finally(() => {
          this.#underWay--;
          this.#start();
          this.#wake?.();
        });
    }
  }

  async #count({ lines, values }: Chunk, result: ChunkAnswer): Promise<void> {
    if (this.#failure !== undefined) return;
    for (const { reading, code, detail } of result.refusals) this.#options.onRefused({ line: lines[reading] ?? 0, code, detail });
    this.#through += lines.length;
    const { accepted, repeats, revisions, quarantined } = this.#counts;
    // Two chunks under way may stand in the journal interleaved.
    const firsts = [this.#counts.first, result.first].filter((position) => position !== undefined);
    const lasts = [this.#counts.last, result.last].filter((position) => position !== undefined);
    this.#counts = {
      accepted: accepted + result.accepted,
      repeats: repeats + result.repeats,
      revisions: revisions + result.revisions,
      quarantined: quarantined + result.quarantined,
      ...(firsts.length === 0 ? {} : { first: Math.min(...firsts) }),
      ...(lasts.length === 0 ? {} : { last: Math.max(...lasts) }),
    };
    await this.#options.onCommitted(this.#through, values, this.#counts);
  }
}

function changed(file: string): EnvironmentError {
  return new EnvironmentError({ zh: `${file} 在导入过程中被修改`, en: `${file} was changed while it was imported` });
}
