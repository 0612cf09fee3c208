/** What a command of `airtight` is: its words, its options, its exit codes. */
import type { Bilingual } from '@airtight/protocol';
import type { Terminal } from './terminal.ts';

/** Exit codes, the same for every command. */
export const EXIT = {
  ok: 0,
  /** The command ran and found something wrong: a proof that fails, a record that does not match. */
  found: 1,
  /** The command line is not understood. */
  usage: 2,
  /** Something the command needs is not there: a service, a port, a file, a permission. */
  environment: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface BaseOption {
  readonly doc: Bilingual;
  readonly short?: string;
}
export type Option =
  | (BaseOption & { readonly type: 'boolean' })
  | (BaseOption & { readonly type: 'string'; readonly value: string; readonly default?: string; readonly multiple?: boolean });
export type Options = { readonly [name: string]: Option };

type ValueOf<O extends Option> = O extends { type: 'boolean' }
  ? boolean | undefined
  : O extends { multiple: true }
    ? string[] | undefined
    : O extends { default: string }
      ? string
      : string | undefined;
export type ValuesOf<T extends Options> = { readonly [K in keyof T]: ValueOf<T[K]> };

export interface Command<T extends Options = Options> {
  readonly name: string;
  readonly summary: Bilingual;
  /** More than the summary, for `--help`. */
  readonly details?: Bilingual;
  /** Positional arguments as they stand in the usage line, e.g. `FILE...`; empty: none are taken. */
  readonly operands: string;
  readonly options: T;
  run(values: ValuesOf<T>, operands: readonly string[], terminal: Terminal): Promise<ExitCode>;
}

/** Keeps the types of a command's own options while it is listed among others. */
export function defineCommand<const T extends Options>(command: Command<T>): Command {
  return command as unknown as Command;
}

/** The command line is not understood: said in the person's language, with exit code 2. */
export class UsageError extends Error {
  readonly text: Bilingual;
  constructor(text: Bilingual) {
    super(text.en);
    this.name = 'UsageError';
    this.text = text;
  }
}

/** Something the command needs is not there, with what to do about it: exit code 3. */
export class EnvironmentError extends Error {
  readonly text: Bilingual;
  constructor(text: Bilingual) {
    super(text.en);
    this.name = 'EnvironmentError';
    this.text = text;
  }
}

/** Options every command takes. */
export const SHARED_OPTIONS = {
  help: { type: 'boolean', short: 'h', doc: { zh: '显示帮助', en: 'show this help' } },
  lang: { type: 'string', value: 'zh|en', doc: { zh: '语言（默认取自 LANG）', en: 'language (default: from LANG)' } },
} as const satisfies Options;

export const DATA_OPTION = {
  type: 'string',
  value: 'DIR',
  default: './airtight-data',
  doc: { zh: '数据目录', en: 'data directory' },
} as const satisfies Option;

export const JSON_OPTION = {
  type: 'boolean',
  doc: { zh: '以 JSON 输出，供程序读取', en: 'answer as JSON, for programs' },
} as const satisfies Option;

/**
 * A whole number from an option's text.
 * @throws UsageError when it is none or lies outside [min, max]
 */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError({
    zh: `--${name} 应为 ${min} 到 ${max} 的整数，而不是 ${JSON.stringify(text)}`,
    en: `--${name} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`,
  });
}

const DURATION_UNITS_MS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * A span of time such as `500ms`, `10s`, `5m`, `1h`, in milliseconds.
 * @throws UsageError when it is none or lies outside [minMs, maxMs]
 */
export function durationMs(name: string, text: string, minMs: number, maxMs: number): number {
  const [, amount, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  const value = Number(amount) * (DURATION_UNITS_MS[unit ?? ''] ?? Number.NaN);
  if (value >= minMs && value <= maxMs) return value;
  throw new UsageError({
    zh: `--${name} 应形如 500ms、10s、5m，而不是 ${JSON.stringify(text)}`,
    en: `--${name} takes a span of time such as 500ms, 10s or 5m, not ${JSON.stringify(text)}`,
  });
}
