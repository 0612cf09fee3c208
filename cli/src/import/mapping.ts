/** A mapping document: how the columns of any CSV become readings. Its shape is cli/defaults/mapping.schema.json. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bilingual, ProducerKind } from '@airtight/protocol';
import { type Schema, Validator } from '@cfworker/json-schema';
import { parse } from 'yaml';
import { EnvironmentError } from '../command.ts';
import type { TextFormat } from './file-format.ts';
import { timeReader, zoneOffset } from './local-time.ts';
import { MappedReader } from './mapped-csv.ts';

export type Column = string | number;

export interface ValueColumn {
  readonly column: Column;
  readonly property: string;
  readonly unit?: string;
  readonly text?: boolean;
  readonly producer?: string;
}

export interface Mapping {
  readonly name: string;
  readonly title?: Bilingual;
  readonly recognise?: string;
  readonly agency?: string;
  readonly dataset: string;
  readonly kind?: ProducerKind;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly decimal?: '.' | ',';
  readonly skip?: number;
  readonly header?: number;
  readonly missing?: readonly string[];
  readonly time: { readonly columns: readonly Column[]; readonly pattern: string; readonly zone?: string };
  readonly producer: { readonly prefix?: string; readonly column?: Column; readonly name?: string; readonly file?: true };
  readonly values: readonly ValueColumn[];
}

const DEFAULTS = new URL('../../defaults/', import.meta.url);
/** A mapping of 4,000 columns is some 300 kB. */
const MAPPING_MAX_BYTES = 1024 * 1024;

/**
 * The format a mapping file describes.
 * @throws EnvironmentError naming the place in the document that is wrong
 */
export function readMapping(file: string): TextFormat {
  const text = readFileSync(file, 'utf8');
  if (text.length > MAPPING_MAX_BYTES) throw invalid(file, `${text.length} characters`);
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : String(error));
  }
  const schema = JSON.parse(readFileSync(new URL('mapping.schema.json', DEFAULTS), 'utf8')) as Schema;
  const { valid, errors } = new Validator(schema, '2020-12', false).validate(document);
  if (!valid) {
    const deepest = errors.at(-1);
    throw invalid(file, `${deepest?.instanceLocation ?? ''} ${deepest?.error ?? ''}`);
  }
  const mapping = document as Mapping;
  const fault = faultOf(mapping);
  if (fault !== undefined) throw invalid(file, fault);
  return formatOf(mapping, createHash('sha256').update(text).digest('hex'));
}

/** The mappings that are shipped. */
export function shippedMappings(): TextFormat[] {
  const folder = new URL('mappings/', DEFAULTS);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readMapping(fileURLToPath(new URL(name, folder))));
}

/** What the schema cannot say. */
function faultOf({ time, encoding = 'utf-8', producer, header = 1, ...mapping }: Mapping): string | undefined {
  if (time.zone !== undefined && zoneOffset(time.zone) === undefined) return `time.zone: ${time.zone}`;
  if (!/epoch|YY/.test(time.pattern)) return `time.pattern: ${time.pattern} has no year`;
  try {
    new TextDecoder(encoding);
    timeReader(time.pattern, 0);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const sources = [producer.column, producer.name, producer.file].filter((source) => source !== undefined);
  if (sources.length !== 1) return 'producer: one of column, name and file';
  const columns = [
    ...time.columns,
    ...mapping.values.map(({ column }) => column),
    ...(producer.column === undefined ? [] : [producer.column]),
  ];
  if (header === 0 && columns.some((column) => typeof column === 'string')) return 'without a header columns are named by number';
  return undefined;
}

function formatOf(mapping: Mapping, version: string): TextFormat {
  const { name, title, recognise, agency, encoding } = mapping;
  return {
    name,
    title: title ?? { zh: name, en: name },
    ...(agency === undefined ? {} : { agency }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(mapping.producer.file === true && { isNamedByFile: true }),
    version,
    kind: 'text',
    recognises: ([first = '']) => recognise !== undefined && first.startsWith(recognise),
    open: (options, sink) => new MappedReader(mapping, options, sink),
  };
}

function invalid(file: string, detail: string): EnvironmentError {
  return new EnvironmentError({ zh: `映射文件 ${file} 有误：${detail}`, en: `The mapping ${file} has an error: ${detail}` });
}
