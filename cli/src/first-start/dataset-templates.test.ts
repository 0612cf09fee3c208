/** The shipped templates are definitions that are taken, and their codecs decode the makers' published examples exactly. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDatasetDefinition, type DatasetDefinition } from '@airtight/protocol';
import { decodeFrame } from '@airtight/standards/lorawan-codec.ts';
import { parse } from 'yaml';

const TEMPLATES = new URL('../../defaults/templates/', import.meta.url);
const EXAMPLES = join(import.meta.dirname, '../../../../shared/data/payload-lorawan');

interface Examples {
  readonly uplinkDecoder: {
    readonly examples: readonly {
      readonly description: string;
      readonly input: { readonly fPort: number; readonly bytes: readonly number[] };
      readonly output: { readonly data: { readonly [property: string]: number | { readonly value: number } } };
    }[];
  };
}

function template(file: string): DatasetDefinition {
  const checked = checkDatasetDefinition(parse(readFileSync(new URL(file, TEMPLATES), 'utf8')));
  assert.ok(checked.ok, `${file}: ${JSON.stringify(checked)}`);
  return checked.value;
}

test('every template is a definition', () => {
  const files = readdirSync(TEMPLATES);
  assert.ok(files.length >= 2);
  for (const file of files) template(file);
});

for (const [file, examplesFile] of [
  ['milesight-am307.yaml', 'milesight-am307-codec.yaml'],
  ['decentlab-dl-pm.yaml', 'decentlab-dl-pm-codec.yaml'],
] as const) {
  test(`${file} decodes the published examples exactly`, (t) => {
    if (!existsSync(EXAMPLES)) return t.skip('../shared/data/payload-lorawan is not there');
    const { codec, properties } = template(file);
    assert.ok(codec !== undefined);
    const { examples } = (parse(readFileSync(join(EXAMPLES, examplesFile), 'utf8')) as Examples).uplinkDecoder;
    assert.ok(examples.length >= 2);
    for (const { description, input, output } of examples) {
      const decoded = decodeFrame(codec, input.fPort, Uint8Array.from(input.bytes));
      assert.ok(decoded.ok, `${description}: ${JSON.stringify(decoded)}`);
      const wanted = Object.entries(output.data).map(([property, value]) => [property, typeof value === 'number' ? value : value.value]);
      assert.deepEqual(Object.fromEntries(decoded.values.map(({ property, result }) => [property, result])), Object.fromEntries(wanted));
      for (const { property } of decoded.values) assert.ok(Object.hasOwn(properties, property), property);
    }
  });
}
