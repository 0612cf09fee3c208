/** What a reader of files is: from lines or bytes to readings, with every problem named by its line. */
import type { Bilingual, Code, ProducerKind } from '@airtight/protocol';

/** A producer as a file names it, and the dataset its readings belong to. */
export interface FileRoute {
  readonly dataset: string;
  readonly producer: string;
  readonly kind: ProducerKind;
  readonly name: Bilingual;
  readonly region?: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
}

export interface FileReading {
  /** What `ReadingSink.route` answered. */
  readonly route: number;
  /** 1-based line of the file (row of the sheet) it begins at. */
  readonly line: number;
  /** phenomenonTime, epoch ms. */
  readonly time: number;
  /** Our JSON, on one line: `{"id":"…","t":…,"m":{…}}`. */
  readonly payload: string;
  /** How many values the payload holds. */
  readonly values: number;
}

/** Where a reader puts what it finds, in the order of the file. */
export interface ReadingSink {
  /** Index of a route; the same route is asked for once. */
  route(route: FileRoute): number;
  reading(reading: FileReading): void;
  /** Something of the file that cannot be read or does not fit; the rest goes on. */
  fault(line: number, code: Code, detail: string): void;
  /**
   * Reads the last line of a file that has no line end behind it: what is wrong with it is that the file breaks off there.
   * @returns whether it does
   */
  lastLine(read: () => void): boolean;
  /** A row without any value. */
  blank(): void;
  /** The logger's own summary was held against its readings. */
  summary(result: 'equal' | 'wider' | 'differs'): void;
}

export interface FormatOptions {
  /** Name of the file without folder and endings. */
  readonly stem: string;
  /** Replaces the format's dataset. */
  readonly dataset: string | undefined;
  /** Producer of a file that names none. */
  readonly producer: string | undefined;
  /** Offset of local times in a file that names no zone, ms; absent: what the format says. */
  readonly zoneMs: number | undefined;
}

/** Takes a text file line by line, without line ends. */
export interface LineReader {
  line(text: string, number: number): void;
  /** @param truncated the file breaks off: what is not whole yet is left out */
  end(truncated: boolean): void;
}

interface BaseFormat {
  readonly name: string;
  readonly title: Bilingual;
  /** Agency when none is given. */
  readonly agency?: string;
  /** Part of what identifies an import: another mapping is another import. */
  readonly version: string;
  /** Its files name no device: they count as one device each, by the name of the file. */
  readonly isNamedByFile?: boolean;
}
export interface TextFormat extends BaseFormat {
  readonly kind: 'text';
  /** WHATWG name; default utf-8. */
  readonly encoding?: string;
  /** Whether a file that begins with these lines is one. */
  recognises(lines: readonly string[]): boolean;
  /** @throws FileBroken when the file cannot be one from its first lines on */
  open(options: FormatOptions, sink: ReadingSink): LineReader;
}
export interface BinaryFormat extends BaseFormat {
  readonly kind: 'binary';
  recognises(head: Buffer): boolean;
  /** @throws FileBroken */
  read(bytes: Buffer, options: FormatOptions, sink: ReadingSink): void;
}
export type FileFormat = TextFormat | BinaryFormat;

/** The file is not whole, or not what it says it is: nothing of it may be sent. */
export class FileBroken extends Error {
  readonly code: Code;
  /** 1-based; 0: the file as a whole. */
  readonly line: number;
  readonly detail: string;
  constructor(code: Code, line: number, detail: string) {
    super(`${code}: line ${line}: ${detail}`);
    this.name = 'FileBroken';
    this.code = code;
    this.line = line;
    this.detail = detail;
  }
}

/** The payload of one reading; its time is its identity within the producer's series. */
export function payloadOf(time: number, measurements: string, id: string | number = time): string {
  return `{"id":"${id}","t":${time},"m":{${measurements}}}`;
}
