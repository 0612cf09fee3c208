/** What a command writes: results to stdout, progress and complaints to stderr, in the person's language. */
import { type InspectColor, styleText } from 'node:util';
import type { Bilingual } from '@airtight/protocol';
import type { Language } from './language.ts';

export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Without a TTY a progress line is written this seldom, so that a log stays readable. */
const PLAIN_PROGRESS_INTERVAL_MS = 5000;
/** On a TTY the line is redrawn at most this often. */
const TTY_PROGRESS_INTERVAL_MS = 100;
const ERASE_LINE = '\r\u001b[2K';

export class Terminal {
  readonly language: Language;
  readonly out: TextStream;
  readonly error: TextStream;
  #progressAt = Number.NEGATIVE_INFINITY;
  #progressShown = false;

  constructor(language: Language, out: TextStream = process.stdout, error: TextStream = process.stderr) {
    this.language = language;
    this.out = out;
    this.error = error;
  }

  text(text: Bilingual): string {
    return text[this.language];
  }

  /** A line of the result. */
  say(text: Bilingual | string): void {
    this.clearProgress();
    this.out.write(`${typeof text === 'string' ? text : this.text(text)}\n`);
  }

  /** A line that is not the result: a warning, an error, what is going on. */
  note(text: Bilingual | string): void {
    this.clearProgress();
    this.error.write(`${typeof text === 'string' ? text : this.text(text)}\n`);
  }

  /** The result for a machine: one JSON document, never localised. */
  json(value: unknown): void {
    this.clearProgress();
    this.out.write(`${JSON.stringify(value)}\n`);
  }

  /** Colours and weights, left out when NO_COLOR is set or the stream is no terminal. */
  style(format: InspectColor | readonly InspectColor[], text: string, stream: TextStream = this.out): string {
    if (stream.isTTY !== true) return text;
    return styleText(format as InspectColor[], text, { stream: stream as NodeJS.WriteStream });
  }

  /** Redraws the progress line, or writes one now and then where lines cannot be redrawn. */
  progress(text: Bilingual, now: number = performance.now()): void {
    const isTty = this.error.isTTY === true;
    if (now - this.#progressAt < (isTty ? TTY_PROGRESS_INTERVAL_MS : PLAIN_PROGRESS_INTERVAL_MS)) return;
    this.#progressAt = now;
    if (!isTty) {
      this.error.write(`${this.text(text)}\n`);
      return;
    }
    this.#progressShown = true;
    this.error.write(`${ERASE_LINE}${this.text(text)}`);
  }

  clearProgress(): void {
    if (!this.#progressShown) return;
    this.#progressShown = false;
    this.error.write(ERASE_LINE);
  }
}
