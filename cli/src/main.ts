/** The command `airtight`. */
import { languageOf } from './language.ts';
import { languageAsked, run } from './run.ts';
import { Terminal } from './terminal.ts';

/** A pipe that is closed early (`airtight … | head`) and a terminal that is gone are no errors of ours. */
const GONE_CODES: readonly (string | undefined)[] = ['EPIPE', 'EIO'];
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE_CODES.includes(error.code)) throw error;
  });
}

const argv = process.argv.slice(2);
process.exitCode = await run(argv, new Terminal(languageOf(languageAsked(argv), process.env)));
