/** The command line as a person meets it, and its reference page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SHARED_OPTIONS } from '../command.ts';
import { languageOf } from '../language.ts';
import { languageAsked, run } from '../run.ts';
import { Terminal } from '../terminal.ts';
import { COMMANDS } from './index.ts';

const PAGE = new URL('../../../docs/reference/cli.md', import.meta.url);

async function airtight(...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal = new Terminal(languageOf(languageAsked(args), {}), stream('stdout'), stream('stderr'));
  return { status: await run(args, terminal), ...written };
}

test('help names every command, in both languages', async () => {
  for (const lang of ['zh', 'en'] as const) {
    const { status, stdout } = await airtight('--help', '--lang', lang);
    assert.equal(status, 0);
    for (const { name, summary } of COMMANDS) assert.ok(stdout.includes(`  ${name} `) && stdout.includes(summary[lang]), name);
  }
});

test('help on a command names its options', async () => {
  const { status, stdout } = await airtight('replay', '--help');
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: airtight replay FILE\.\.\. \[options\]/);
  for (const option of ['--speed N', '--agency A', '--in-flight N', '--data DIR']) assert.ok(stdout.includes(option), option);
});

test('what is not understood: exit code 2, and what to do, on stderr', async () => {
  for (const [args, said] of [
    [['frobnicate'], /no command frobnicate/],
    [['verify'], /name one proof bundle/],
    [['audit', '--frob'], /Unknown option '--frob'/],
    [['audit', 'one', 'two'], /one directory/],
    [['simulate', '--interval', '7s'], /must divide 15 minutes/],
    [['simulate', '--seed', 'x'], /--seed takes a whole number/],
    [['enroll', '--agency', 'a'], /all needed/],
    [['enroll', '--agency', 'a', '--producer', 'p/q', '--dataset', 'air'], /--producer cannot be/],
    [['enroll', '--agency', 'a', '--producer', 'p', '--dataset', 'sys.users'], /--dataset cannot be/],
    [['enroll', '--agency', 'a', '--producer', 'p', '--dataset', 'air', '--lat', '91', '--lon', '0'], /degrees/],
    [['up', '--port', '0'], /--port takes/],
    [['replay'], /name the files/],
    [['dataset'], /dataset list or dataset set FILE/],
    [['dataset', 'set'], /dataset list or dataset set FILE/],
    [['quarantine', 'empty'], /quarantine list or quarantine replay/],
    [['password', 'lin', '--role', 'king'], /no role king/],
    [['password', 'lin'], /which role lin has/],
  ] as const) {
    const { status, stdout, stderr } = await airtight(...args);
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, said);
  }
  assert.match((await airtight('verify', '--lang', 'zh')).stderr, /请给出一个证据包文件/);
});

test('a dataset definition is checked before anything else', async () => {
  const template = fileURLToPath(new URL('../../defaults/templates/milesight-am307.yaml', import.meta.url));
  const right = await airtight('dataset', 'set', template, '--check');
  assert.deepEqual([right.status, right.stderr], [0, '']);
  assert.match(right.stdout, /indoor-air has no errors/);
  const wrong = await airtight('dataset', 'set', fileURLToPath(PAGE), '--check');
  assert.deepEqual([wrong.status, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, /DATASET_INVALID/);
});

test('what is not there: exit code 3, and what to do', async () => {
  const nowhere = ['--data', '/nonexistent/airtight'];
  assert.match((await airtight('audit', ...nowhere)).stderr, /no data directory/);
  assert.equal((await airtight('audit', ...nowhere)).status, 3);
  assert.equal((await airtight('rebuild', ...nowhere)).status, 3);
  assert.equal((await airtight('enroll', '--agency', 'a', '--producer', 'p', '--dataset', 'air', ...nowhere)).status, 3);
  assert.match((await airtight('verify', 'package.json', ...nowhere)).stderr, /--policy/);
  assert.equal((await airtight('replay', '/nonexistent.csv', ...nowhere)).status, 3);
});

test('every command and option says what it is in both languages, and stands on the reference page', () => {
  const page = readFileSync(PAGE, 'utf8');
  for (const { name, summary, operands, options } of COMMANDS) {
    assert.ok(summary.zh && summary.en);
    const heading = `\n## airtight ${name}${operands === '' ? '' : ` ${operands}`}\n`;
    const at = page.indexOf(heading);
    assert.ok(at >= 0, `no heading for ${name}`);
    const end = page.indexOf('\n## ', at + heading.length);
    const section = page.slice(at, end < 0 ? undefined : end);
    for (const [option, { doc }] of Object.entries(options)) {
      assert.ok(doc.zh && doc.en, option);
      assert.ok(section.includes(`\`--${option}`), `${name} --${option} is not on the page`);
    }
    const named = [...section.matchAll(/^\| `--([a-z0-9-]+)/gm)].map((match) => match[1] ?? '');
    for (const option of named) assert.ok(Object.hasOwn({ ...options, ...SHARED_OPTIONS }, option), `the page invents ${name} --${option}`);
  }
});
