/** The first pass: reads a file from end to end, counts what it holds, names what is wrong. Nothing is sent. */
import type { Code } from '@airtight/protocol';
import { FileBroken, type FileFormat, type FileReading, type FileRoute, type FormatOptions, type ReadingSink } from './file-format.ts';
import { type FileHead, type OnPiece, readWith } from './file-source.ts';

export interface Fault {
  /** 1-based line of the file, row of the sheet; 0: the file as a whole. */
  readonly line: number;
  readonly code: string;
  readonly detail: string;
}

export interface CheckedFile {
  readonly file: FileHead;
  readonly format: FileFormat;
  readonly options: FormatOptions;
  readonly sha256: string;
  readonly routes: readonly FileRoute[];
  readonly readings: number;
  readonly values: number;
  /** Rows without any value. */
  readonly blanks: number;
  readonly faults: number;
  readonly truncatedAtLine: number | undefined;
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
  readonly summaries: { readonly equal: number; readonly wider: number; readonly differs: number };
}

/** A file of which more than this share cannot be read is not of its format. */
const UNREADABLE_SHARE_MAX = 0.1;
/** Of a handful of lines one bad one says nothing about the others. */
const UNREADABLE_MIN = 5;

/** Routes of one file by number, faults by line; what becomes of readings is said by who extends it. */
export abstract class FileSink implements ReadingSink {
  readonly routes: FileRoute[] = [];
  readonly #byKey = new Map<string, number>();
  #isLastLine = false;
  #lastLineFaults = 0;

  abstract reading(reading: FileReading): void;
  abstract noted(fault: Fault): void;
  abstract blank(): void;
  abstract summary(result: 'equal' | 'wider' | 'differs'): void;

  route(route: FileRoute): number {
    const key = `${route.dataset}/${route.producer}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#byKey.set(key, this.routes.length);
    return this.routes.push(route) - 1;
  }

  fault(line: number, code: Code, detail: string): void {
    if (this.#isLastLine) this.#lastLineFaults++;
    this.noted({ line, code: this.#isLastLine ? 'FILE_TRUNCATED' : code, detail });
  }

  lastLine(read: () => void): boolean {
    this.#isLastLine = true;
    this.#lastLineFaults = 0;
    read();
    this.#isLastLine = false;
    return this.#lastLineFaults > 0;
  }
}

class CheckingSink extends FileSink {
  readonly #onFault: (fault: Fault) => void;
  readings = 0;
  values = 0;
  blanks = 0;
  faults = 0;
  unreadable = 0;
  truncatedAtLine: number | undefined;
  firstTime: number | undefined;
  lastTime: number | undefined;
  readonly summaries = { equal: 0, wider: 0, differs: 0 };

  constructor(onFault: (fault: Fault) => void) {
    super();
    this.#onFault = onFault;
  }

  reading({ time, values }: FileReading): void {
    this.readings++;
    this.values += values;
    if (this.firstTime === undefined || time < this.firstTime) this.firstTime = time;
    if (this.lastTime === undefined || time > this.lastTime) this.lastTime = time;
  }

  noted(fault: Fault): void {
    this.faults++;
    if (fault.code === 'FILE_TRUNCATED') this.truncatedAtLine ??= fault.line;
    else if (fault.code !== 'SUMMARY_MISMATCH') this.unreadable++;
    this.#onFault(fault);
  }

  blank(): void {
    this.blanks++;
  }

  summary(result: 'equal' | 'wider' | 'differs'): void {
    this.summaries[result]++;
  }
}

/**
 * @param onFault told of every fault, in the order of the file
 * @throws FileBroken when nothing of the file may be sent
 */
export async function checkFile(
  file: FileHead,
  format: FileFormat,
  options: FormatOptions,
  { onFault, onPiece }: { readonly onFault: (fault: Fault) => void; readonly onPiece: OnPiece },
): Promise<CheckedFile> {
  const sink = new CheckingSink(onFault);
  const sha256 = await readWith(file, format, options, sink, onPiece);
  const { readings, values, blanks, faults, unreadable, truncatedAtLine, firstTime, lastTime, summaries, routes } = sink;
  if (unreadable > UNREADABLE_MIN && unreadable > UNREADABLE_SHARE_MAX * (readings + blanks + unreadable))
    throw new FileBroken('FILE_BROKEN', 0, `${unreadable} lines cannot be read, ${readings} can`);
  if (readings === 0) throw new FileBroken('FILE_BROKEN', 0, 'it holds no reading');
  return { file, format, options, sha256, routes, readings, values, blanks, faults, truncatedAtLine, firstTime, lastTime, summaries };
}
