import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FRZE, HEAT, REFRIGERATED_CEL } from '@airtight/standards/who-pqs.ts';
import type { Level, Rule } from './contract.ts';
import { CONTRACT_FAULTS, type FaultName } from './contract-fault.ts';
import { contractVersion } from './contract-version.ts';
import { parseContract } from './parse-contract.ts';
import { contractText, DATASETS } from './test-journal.ts';

const SHIPPED = new URL('../contracts/', import.meta.url);
const REFERENCE = join(import.meta.dirname, '../../docs/reference/contracts.md');
const GOOD = contractText('raise: { when: pm25 > 1.0 }, clear: { when: pm25 <= 1.0 }');

function shipped(name: string): string {
  return readFileSync(new URL(name, SHIPPED), 'utf8');
}

test('the shipped fridge contract has the times and limits of WHO PQS', () => {
  const outcome = parseContract(shipped('vaccine-fridge.yaml'), DATASETS);
  assert.ok(outcome.ok);
  const limits = [
    { id: 'heat', continuousMs: HEAT.continuousMs, out: HEAT.aboveCel + 0.01, notOut: HEAT.aboveCel },
    { id: 'freeze', continuousMs: FRZE.continuousMs, out: FRZE.atOrBelowCel, notOut: FRZE.atOrBelowCel + 0.01 },
  ];
  for (const { id, continuousMs, out, notOut } of limits) {
    const rule: Rule | undefined = outcome.contract.rules.find((candidate) => candidate.id === id);
    assert.ok(rule?.kind === 'series');
    const [{ raise, clear }] = rule.levels as [Level];
    assert.equal(raise.forMs, continuousMs);
    assert.equal(raise.when.expression.holds({ tvc: out }, 0), true);
    assert.equal(raise.when.expression.holds({ tvc: notOut }, 0), false);
    for (const tvc of [REFRIGERATED_CEL.min, REFRIGERATED_CEL.max]) assert.equal(clear.when.expression.holds({ tvc }, 0), true);
    for (const tvc of [REFRIGERATED_CEL.min - 0.01, REFRIGERATED_CEL.max + 0.01])
      assert.equal(clear.when.expression.holds({ tvc }, 0), false);
  }
});

test('the version depends on what is said, not on how it is laid out', () => {
  const reordered = `# a comment
rules:
  - message: { en: "{subject}", zh: "{subject}" }
    severity: "minor"
    id: r
    clear: { when: pm25 <= 1.0 }
    raise:
      when: pm25 > 1.0
source: a test
inputs:
  air:
    dataset: air
agency: tests
title: { en: Test, zh: 测试 }
contract: test
`;
  assert.equal(contractVersion(reordered), contractVersion(GOOD));
  assert.match(contractVersion(GOOD), /^[0-9a-f]{64}$/);
  assert.notEqual(contractVersion(GOOD.replace('> 1.0', '> 2.0')), contractVersion(GOOD));
  assert.throws(() => contractVersion('a: ['), { code: 'CONTRACT_INVALID' });
});

const RULE_LINE = GOOD.slice(GOOD.indexOf('  - '));
/** Rules of several levels have no severity of their own. */
const withRule = (rule: string): string => contractText(rule).replace(rule.startsWith('levels') ? 'severity: minor, m' : '\0', 'm');
const withRaise = (when: string): string => GOOD.replace('pm25 > 1.0', () => when);
const RAISE_CLEAR = 'raise: { when: pm25 > 1.0 }, clear: { when: pm25 <= 1.0 }';
const withHead = (head: string): string => contractText(RAISE_CLEAR, { head: `${head}\n` });
const LEVEL = (severity: string, limit: number): string =>
  `{ severity: ${severity}, raise: { when: pm25 > ${limit}.0 }, clear: { when: pm25 <= ${limit}.0 } }`;
const NO_RULES = GOOD.slice(0, GOOD.indexOf('rules:'));

/** Each fault with documents that have it, and a text at whose first place it is to be reported (null: at the beginning). */
const FAULTY: { readonly [fault in FaultName]: readonly (readonly [text: string, at: string | null])[] } = {
  'too-large': [[`${GOOD}# ${'x'.repeat(64 * 1024)}`, null]],
  yaml: [[GOOD.replace('a test', 'a: test'), 'a: test']],
  'not-plain': [
    [GOOD.replace('a test', '&anchor test'), 'test\ninputs'],
    [GOOD.replace('a test', '!!str test'), 'test\ninputs'],
    [`${GOOD}---\n${GOOD}`, '---'],
  ],
  'key-repeated': [[GOOD.replace('agency:', 'source: a\nagency:'), 'source: a test']],
  'key-unknown': [
    [GOOD.replace('agency:', 'owner: a\nagency:'), 'owner'],
    [GOOD.replace('when: pm25 >', 'wenn: a, when: pm25 >'), 'wenn'],
    [GOOD.replace('agency:', '__proto__: a\nagency:'), '__proto__'],
  ],
  'key-missing': [
    [GOOD.replace('agency: tests\n', ''), null],
    [GOOD.replace('zh: 测试, ', ''), '{ en: Test'],
  ],
  'map-expected': [
    ['just a text', null],
    ['', null],
    [GOOD.replace('{ zh: 测试, en: Test }', 'Test'), 'Test'],
  ],
  'list-expected': [[`${NO_RULES}rules: none\n`, 'none']],
  'text-expected': [
    [GOOD.replace('a test', '[a, test]'), '[a, test]'],
    [GOOD.replace('a test', '""'), '""\n'],
    [GOOD.replace('a test', 'x'.repeat(1001)), 'xxx'],
  ],
  'list-length': [
    [`${NO_RULES}rules: []\n`, '[]'],
    [`${NO_RULES}rules:\n${RULE_LINE.repeat(17)}`, '- {'],
  ],
  name: [
    [GOOD.replace('contract: test', 'contract: a/b'), 'a/b'],
    [GOOD.replace('contract: test', 'contract: sys.ledger-fork'), 'sys.ledger-fork'],
  ],
  choice: [
    [GOOD.replace('dataset: air', 'dataset: air, accept: { quality: [pass, good] }'), 'good'],
    [GOOD.replace('minor', 'grave'), 'grave'],
  ],
  duration: [[GOOD.replace('when: pm25 >', 'for: 10 min, when: pm25 >'), '10 min']],
  'duration-range': [
    [GOOD.replace('when: pm25 >', 'for: P400D, when: pm25 >'), 'P400D'],
    [withRule('noData: { after: PT29S }'), 'PT29S'],
  ],
  flag: [
    [GOOD.replace('dataset: air', 'dataset: air, accept: { flags: [late, future] }'), 'future'],
    [GOOD.replace('dataset: air', 'dataset: air, accept: { flags: [unit] }'), 'unit'],
  ],
  'quality-pass': [[GOOD.replace('dataset: air', 'dataset: air, accept: { quality: [suspect] }'), '[suspect]']],
  'quality-untested': [
    [GOOD.replace('dataset: air', 'dataset: air, accept: { quality: [pass, suspect] }'), '[pass, suspect]'],
    [GOOD.replace('dataset: air', 'dataset: air, properties: [pm25], accept: { quality: [pass, fail] }'), 'pm25], accept'],
  ],
  'rule-kind': [
    [withRule('raise: { when: pm25 > 1.0 }'), '{ id: r'],
    [withRule('noData: { after: PT1M }, maxGap: PT1M'), '{ id: r'],
  ],
  'rule-repeated': [[`${GOOD}${RULE_LINE.replace('id: r', 'id: "r"')}`, '"r"']],
  'dataset-unknown': [[GOOD.replace('dataset: air', 'dataset: water'), 'water']],
  'property-unknown': [
    [withRaise('pm25 > 1.0 && pm2 > 1.0'), 'pm2 >'],
    [withRaise('"pm25 > 1.0 && pm2 > 1.0"'), 'pm2 >'],
  ],
  'expression-syntax': [
    [withRaise('pm25 > ;'), ';'],
    [withRaise('pm25 >'), ' }, clear'],
  ],
  'expression-limit': [[withRaise(`"${'!'.repeat(30)}(pm25 > 1.0)"`), '!!!!!!!!!!(']],
  'expression-not-allowed': [
    [withRaise(`wd.matches('(a+)+$')`), 'wd.matches'],
    [withRaise('double(pm25) > 1.0'), 'double('],
  ],
  'expression-nested': [[withRaise('"[1.0].all(x, [2.0].all(y, x < y))"'), '[2.0]']],
  'expression-type': [[withRaise('co > 1.0 && pm25 + 1 > 2.0'), 'pm25 + 1']],
  'expression-not-bool': [[withRaise('pm25 + 1.0'), 'pm25 + 1.0']],
  'expression-constant': [[withRaise('1.0 > 2.0'), '1.0 > 2.0']],
  'expression-cost': [
    [withRaise(`'[${'1.0,'.repeat(99)}1.0].all(x, iaqi_cn("no2", x) + iaqi_cn("no2", x) > iaqi_cn("no2", pm25))'`), '[1.0'],
  ],
  'function-argument': [[withRaise(`'iaqi_cn("dust", pm25) > 100.0'`), '"dust"']],
  'unit-mismatch': [
    [withRaise('pm25 > mg_m3(1.0)'), 'pm25 > mg'],
    [withRaise('pm25 + co > 1.0'), 'pm25 + co'],
    [withRaise(`'iaqi_cn("pm25", co) > 1.0'`), 'co) >'],
  ],
  'unit-product': [[withRaise('pm25 * degC(1.0) > 1.0'), 'pm25 * deg']],
  'unit-scale': [[withRaise('kelvin(degC(8.0) - 1.0) > pm25 / pm25 * kelvin(1.0)'), 'kelvin(deg']],
  'unit-unknown': [[withRaise(`'unit(1.0, "smoots") > pm25 / pm25'`), 'unit(']],
  number: [[withRule(`${RAISE_CLEAR}, flap: { changes: 1, within: PT1H }`), '1, within']],
  zone: [
    [withHead('zone: Europe/Berlin'), 'Europe'],
    [withHead('zone: "+25:00"'), '"+25'],
  ],
  'day-of-year': [[withHead('calendar: { holidays: [2026-02-30] }'), '2026-02-30']],
  'time-of-day': [[withHead('schedules: { night: { from: "24:30" } }'), '"24:30"']],
  'name-taken': [
    [withHead('let: { pm25: co + 1.0 }'), 'pm25: co'],
    [withHead('windows: { a: { mean: co, over: PT2H } }\nlet: { a: co + 1.0 }'), 'a: co'],
  ],
  'input-unknown': [
    [withRule(`${RAISE_CLEAR}, on: water`), 'water'],
    [withHead('windows: { a: { mean: co, over: PT2H, from: water } }'), 'water'],
  ],
  'let-cycle': [[withHead('let: { a: b + 1.0, b: a + 1.0 }'), 'b + 1.0']],
  'alert-cycle': [[withHead('alerts: { a: { rule: r } }').replace('pm25 > 1.0', 'a > 1.0').replace('pm25 <= 1.0', 'a <= 1.0'), '{ a: {']],
  'window-kind': [
    [withHead('windows: { a: { over: PT1H } }'), '{ over'],
    [withHead('windows: { a: { mean: co, max: co, over: PT1H } }'), '{ mean'],
  ],
  require: [
    [withHead('windows: { a: { mean: co, over: PT24H, require: 18 of 20 } }'), '18 of'],
    [withHead('windows: { a: { mean: co, over: PT24H, require: 101% } }'), '101%'],
    [withRule('raise: { when: pm25 > 1.0, times: 5 of 3 }, clear: { when: pm25 <= 1.0 }'), '5 of 3'],
  ],
  'window-too-large': [[withHead('windows: { a: { mean: co, over: P366D, stations: group } }'), '{ mean']],
  'subject-station': [[withRule(`${RAISE_CLEAR}, subject: region`), '{ id: r']],
  'alerts-mixed': [
    [withHead('alerts: { a: { rule: r } }').replace('pm25 > 1.0', 'pm25 > 1.0 && a > 1.0'), '{ id: r'],
    [
      withHead('alerts: { a: { contract: x, rule: r } }')
        .replace('when: pm25 > 1.0', 'when: a > 1.0, for: PT1H')
        .replace('pm25 <= 1.0', 'a <= 1.0'),
      '{ id: r',
    ],
  ],
  'rule-unknown': [
    [withHead('alerts: { a: { rule: q } }').replace('pm25 > 1.0', 'a > 1.0').replace('pm25 <= 1.0', 'a <= 1.0'), '{ a: {'],
    [withRule(`${RAISE_CLEAR}, inhibit: [{ rule: r }]`), '- {'],
  ],
  'condition-never': [[withRaise('pm25 > 10.0 && pm25 < 5.0'), 'pm25 > 10.0']],
  'level-unreachable': [
    [withRule(`levels: [${LEVEL('minor', 100)}, ${LEVEL('severe', 50)}]`), '{ severity: minor'],
    [withRule(`levels: [${LEVEL('severe', 50)}, ${LEVEL('minor', 100)}]`), '{ severity: minor'],
    // The level between says nothing of the outer two: it looks at another value.
    [
      withRule(`levels: [${LEVEL('minor', 100)}, ${LEVEL('moderate', 70).replaceAll('pm25', 'co')}, ${LEVEL('severe', 50)}]`),
      '{ severity: minor',
    ],
    [withRule(`levels: [${LEVEL('minor', 100)}, ${LEVEL('severe', 50)}]`.replace('100.0', '1e2')), '{ severity: minor'],
  ],
  'clear-overlap': [[GOOD.replace('pm25 <= 1.0', 'pm25 <= 2.0'), 'pm25 <= 2.0']],
  placeholder: [[GOOD.replace('en: "{subject}"', 'en: "{subject} {co}"'), '{co}']],
};

function placeOf(text: string, at: string | null): [line: number, column: number] {
  const offset = at === null ? 0 : text.indexOf(at);
  assert.ok(offset >= 0, `no ${at} in the document`);
  const before = text.slice(0, offset).split('\n');
  return [before.length, (before.at(-1) as string).length + 1];
}

for (const [fault, documents] of Object.entries(FAULTY)) {
  test(`fault ${fault} is named with its place, in both languages`, () => {
    for (const [text, at] of documents) {
      const outcome = parseContract(text, DATASETS);
      assert.ok(!outcome.ok, text.slice(0, 2000));
      const found = outcome.errors.find((error) => error.fault === fault);
      assert.deepEqual(found && [found.line, found.column], placeOf(text, at), `${JSON.stringify(outcome.errors)}\n${text.slice(0, 2000)}`);
      assert.match(found?.zh ?? '', /\p{Script=Han}/u);
      assert.match(found?.en ?? '', /[a-z]/);
    }
  });
}

test('all faults are found at once, in order of place', () => {
  const text = GOOD.replace('agency:', 'owner: a\nagency:').replace('minor', 'grave').replace('pm25 <=', 'pm2 <=');
  const outcome = parseContract(text, DATASETS);
  assert.ok(!outcome.ok);
  assert.deepEqual(
    outcome.errors.map(({ fault }) => fault),
    ['key-unknown', 'choice', 'property-unknown'],
  );
});

test('a fault inside a block text is placed at its beginning', () => {
  const outcome = parseContract(
    contractText('X').replace(/, X \}/, ',\n      raise: { when: pm25 > 1.0 }, clear: { when: "pm25 <\n        +" } }'),
    DATASETS,
  );
  assert.ok(!outcome.ok);
  assert.deepEqual(outcome.errors.map(({ fault, line, column }) => [fault, line, column])[0], ['expression-syntax', 9, 51]);
});

test('docs/reference/contracts.md lists every fault with its English text', () => {
  const reference = readFileSync(REFERENCE, 'utf8');
  for (const [fault, { en }] of Object.entries(CONTRACT_FAULTS)) {
    const row = `| \`${fault}\` | ${en.replace('{0}', '…')} |`;
    assert.ok(reference.includes(row), row);
  }
});

test('a circle of rules over alerts is found across contracts that are known', () => {
  const over = (contract: string, other: string): string =>
    contractText('raise: { when: n > 1.0 }, clear: { when: n <= 1.0 }', {
      contract,
      head: `alerts: { n: { contract: ${other}, rule: r } }\n`,
    });
  const texts: { readonly [name: string]: string } = {
    b: over('b', 'c'),
    c: over('c', 'a'),
    plain: GOOD.replace('contract: test', 'contract: plain'),
  };
  const checked = (text: string) => parseContract(text, DATASETS, (name) => texts[name]);
  const circle = checked(over('a', 'b'));
  assert.ok(!circle.ok);
  assert.deepEqual(
    circle.errors.map(({ fault, en }) => [fault, en]),
    [['alert-cycle', 'A rule judges its own alerts: r → b/r → c/r → r']],
  );
  assert.ok(parseContract(over('a', 'b'), DATASETS).ok, 'the others are not known');
  for (const other of ['plain', 'gone']) assert.ok(checked(over('a', other)).ok, other);
  assert.ok(checked(over('d', 'b')).ok, 'a circle of others in which it has no part');
});
