/** Our verdict on fridge data against that of the published JSON Schema, on thousands of transmissions, right and wrong. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cceFault } from '@airtight/standards/cce-interop.ts';
import { type Schema, Validator } from '@cfworker/json-schema';

const SCHEMA = join(import.meta.dirname, '../../../../shared/data/coldchain-who-pqs/cce-interop-0.8.1.json');
const TRANSMISSIONS = 5000;

type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/** mulberry32, so that a failure comes again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every object and array of a document. */
function containersOf(json: Json): (Json[] | { [member: string]: Json })[] {
  if (json === null || typeof json !== 'object') return [];
  return [json, ...Object.values(json).flatMap(containersOf)];
}

const VALUES: readonly Json[] = [
  null,
  true,
  '',
  'x',
  'E1',
  -1,
  0,
  60,
  60.1,
  150,
  901,
  1e9,
  '20261122T095500Z',
  '20261122T095500.5Z',
  [],
  {},
  'ems',
  'rtm',
];

test('both judge alike', (t) => {
  if (!existsSync(SCHEMA)) return t.skip('../shared/data/coldchain-who-pqs is not there');
  const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as Schema & {
    examples: Json[];
    $defs: { 'PQS-DS01-objects': { [code: string]: object } };
  };
  const validator = new Validator(schema, '2020-12');
  const codes = [...Object.keys(schema.$defs['PQS-DS01-objects']), 'AMID', 'DLST', 'SID', 'SDOP', 'records', 'vendor', 'meta', 'data'];
  const next = random(20_261_122);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  let right = 0;
  for (let i = 0; i < TRANSMISSIONS; i++) {
    const document = structuredClone(pick(schema.examples));
    // From untouched to thoroughly broken.
    for (let changes = Math.floor(next() * 4); changes > 0; changes--) mutate(pick(containersOf(document)));
    const wanted = validator.validate(document).valid;
    assert.equal(cceFault(document) === undefined, wanted, `${JSON.stringify(cceFault(document))} ${JSON.stringify(document)}`);
    if (wanted) right++;
  }
  assert.ok(right > TRANSMISSIONS / 4 && right < TRANSMISSIONS * 0.9, `${right} of ${TRANSMISSIONS} are right`);

  function mutate(container: Json[] | { [member: string]: Json }): void {
    if (Array.isArray(container)) {
      if (next() < 0.5) container.splice(Math.floor(next() * container.length), 1);
      else container.push(structuredClone(next() < 0.5 ? pick(VALUES) : (container[0] ?? null)));
      return;
    }
    const own = Object.keys(container);
    const name = next() < 0.5 && own.length > 0 ? pick(own) : pick(codes);
    if (next() < 0.4) delete container[name];
    else container[name] = structuredClone(pick(VALUES));
  }
});
