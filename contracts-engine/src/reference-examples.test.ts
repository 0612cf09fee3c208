/** The examples of docs/reference/contracts.md are contracts that this engine takes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ContractYaml } from './contract-yaml.ts';
import { parseContract } from './parse-contract.ts';
import { readZone } from './read-calendar.ts';
import { contractText, DATASETS } from './test-journal.ts';

const REFERENCE = join(import.meta.dirname, '../../docs/reference/contracts.md');
const examples = readFileSync(REFERENCE, 'utf8')
  .split('```yaml\n')
  .slice(1)
  .map((part) => part.slice(0, part.indexOf('```')));

test('every example of the reference page is taken', () => {
  assert.ok(examples.length >= 3);
  for (const example of examples) {
    const isPart = example.startsWith('# part of a contract');
    const text = isPart ? contractText('raise: { when: pm25 > 1.0 }, clear: { when: pm25 <= 1.0 }', { head: example }) : example;
    const outcome = parseContract(text, DATASETS);
    assert.ok(outcome.ok, `${JSON.stringify(outcome)}\n${example}`);
  }
});

test('summer time as written out in the example', () => {
  const example = examples.find((text) => text.includes('summer:')) as string;
  const yaml = new ContractYaml(example);
  const zone = readZone(yaml, yaml.members(yaml.root as NonNullable<typeof yaml.root>, ['zone'])?.get('zone'));
  assert.deepEqual(yaml.faults, []);
  assert.equal(zone.summer?.from.week, -1);
});
