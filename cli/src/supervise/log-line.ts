/** What a line of a service's log says to a person: errors alone, without the JSON around them. */

/** pino's numbers: 50 = error, 60 = fatal. */
const ERROR_LEVEL = 50;
const TEXT_MAX_LENGTH = 300;

/**
 * @param line a pino JSON line, or whatever else a dying process writes
 * @returns its message, or undefined when it reports no error
 */
export function errorIn(line: string): string | undefined {
  const text = line.trim();
  if (text === '') return undefined;
  if (!text.startsWith('{')) return /error|uncaught/i.test(text) ? text.slice(0, TEXT_MAX_LENGTH) : undefined;
  try {
    const { level, msg, err } = JSON.parse(text) as { level?: number; msg?: string; err?: { message?: string } };
    if (level === undefined || level < ERROR_LEVEL) return undefined;
    const parts = [msg, err?.message].filter((part) => part !== undefined && part !== '');
    return [...new Set(parts)].join(': ').slice(0, TEXT_MAX_LENGTH);
  } catch {
    return undefined;
  }
}
