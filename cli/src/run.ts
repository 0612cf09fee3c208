/** From a command line to a command, and from what went wrong to an exit code. */
import { parseArgs } from 'node:util';
import { CODES, type Code } from '@airtight/protocol';
import { type Command, EnvironmentError, EXIT, type ExitCode, type Options, SHARED_OPTIONS, UsageError } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { commandPage, overviewPage } from './help.ts';
import { IngestRefusal } from './ingest-client.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line. @returns its exit code, after everything was said on the terminal */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name.startsWith('-') || name === 'help') {
    const asked = name === 'help' ? COMMANDS.find((command) => command.name === rest[0]) : undefined;
    terminal.say(asked === undefined ? overviewPage(COMMANDS, terminal) : commandPage(asked, terminal));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    terminal.note({ zh: `没有命令 ${name}。可用命令见 airtight --help`, en: `There is no command ${name}. See airtight --help` });
    return EXIT.usage;
  }
  try {
    return await runCommand(command, rest, terminal);
  } catch (error) {
    return explain(error, command, terminal);
  }
}

/** The value of `--lang`. It must be known before the options are parsed, so that a complaint about them is understood. */
export function languageAsked(argv: readonly string[]): string | undefined {
  const joined = argv.find((argument) => argument.startsWith('--lang='));
  if (joined !== undefined) return joined.slice('--lang='.length);
  const at = argv.indexOf('--lang');
  return at < 0 ? undefined : argv[at + 1];
}

async function runCommand(command: Command, argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const options: Options = { ...command.options, ...SHARED_OPTIONS };
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: command.operands !== '', strict: true });
  if (values['help'] === true) {
    terminal.say(commandPage(command, terminal));
    return EXIT.ok;
  }
  return await command.run(values as never, positionals, terminal);
}

function explain(error: unknown, command: Command, terminal: Terminal): ExitCode {
  if (error instanceof UsageError || isParseError(error)) {
    terminal.note(error instanceof UsageError ? error.text : { zh: `命令行有误：${error.message}`, en: error.message });
    terminal.note({ zh: `用法见 airtight ${command.name} --help`, en: `See airtight ${command.name} --help` });
    return EXIT.usage;
  }
  if (error instanceof EnvironmentError) {
    terminal.note(error.text);
    return EXIT.environment;
  }
  if (isCoded(error)) {
    terminal.note({ zh: `${CODES[error.code].zh}（${error.message}）`, en: error.message });
    return EXIT.environment;
  }
  if (error instanceof IngestRefusal || isSystemError(error)) {
    terminal.note(error.message);
    return EXIT.environment;
  }
  throw error;
}

function isParseError(error: unknown): error is Error {
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_');
}

/** Disk full, permission denied, no such file: the operating system's own words say it best. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
}

/** An expected failure of one of our packages, by its stable code. */
function isCoded(error: unknown): error is Error & { readonly code: Code } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && Object.hasOwn(CODES, error.code);
}
