/** The help pages, from what the commands say of themselves. */
import type { Bilingual } from '@airtight/protocol';
import { type Command, type Option, type Options, SHARED_OPTIONS } from './command.ts';
import type { Terminal } from './terminal.ts';

const TITLE: Bilingual = {
  zh: 'Airtight 清鉴：收下即存储、有序、可证',
  en: 'Airtight: accepted means stored, ordered, provable',
};
const USAGE: Bilingual = { zh: '用法', en: 'Usage' };
const COMMANDS: Bilingual = { zh: '命令', en: 'Commands' };
const OPTIONS: Bilingual = { zh: '选项', en: 'Options' };
const MORE: Bilingual = { zh: '某一命令的帮助：airtight <命令> --help', en: 'Help on a command: airtight <command> --help' };
const EXITS: Bilingual = {
  zh: '退出码：0 正常；1 发现问题；2 命令行有误；3 所需的服务、端口、文件或权限不具备',
  en: 'Exit codes: 0 ok; 1 found something wrong; 2 command line not understood; 3 a service, port, file or permission is missing',
};

/** The page of `airtight --help`. */
export function overviewPage(commands: readonly Command[], terminal: Terminal): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${terminal.text(command.summary)}`);
  const heading = (text: Bilingual) => terminal.style('bold', terminal.text(text));
  return [
    terminal.style('bold', terminal.text(TITLE)),
    '',
    `${heading(USAGE)}: airtight <command> [options]`,
    '',
    `${heading(COMMANDS)}:`,
    ...lines,
    '',
    terminal.text(MORE),
    terminal.text(EXITS),
  ].join('\n');
}

/** The page of `airtight <command> --help`. */
export function commandPage(command: Command, terminal: Terminal): string {
  const operands = command.operands === '' ? '' : ` ${command.operands}`;
  const heading = (text: Bilingual) => terminal.style('bold', terminal.text(text));
  return [
    `${heading(USAGE)}: airtight ${command.name}${operands} [options]`,
    '',
    terminal.text(command.summary),
    ...(command.details === undefined ? [] : ['', terminal.text(command.details)]),
    '',
    `${heading(OPTIONS)}:`,
    ...optionLines({ ...command.options, ...SHARED_OPTIONS }, terminal),
    '',
    terminal.text(EXITS),
  ].join('\n');
}

function optionLines(options: Options, terminal: Terminal): string[] {
  const rows = Object.entries(options).map(([name, option]) => [optionName(name, option), optionDoc(option, terminal)] as const);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, doc]) => `  ${name.padEnd(width)}  ${doc}`);
}

function optionName(name: string, option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return `${short}--${name}${option.type === 'string' ? ` ${option.value}` : ''}`;
}

function optionDoc(option: Option, terminal: Terminal): string {
  const doc = terminal.text(option.doc);
  if (option.type === 'boolean' || option.default === undefined) return doc;
  return `${doc} (${terminal.text({ zh: '默认', en: 'default' })}: ${option.default})`;
}
