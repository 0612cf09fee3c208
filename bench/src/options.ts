/** Options of one benchmark: all are whole numbers or texts with a default, so that a run without any is the published one. */
import { parseArgs } from 'node:util';

export interface OptionDefinition {
  readonly default: string;
  readonly about: string;
}

export class Options<Name extends string> {
  readonly #values: { readonly [name: string]: string | boolean | undefined };

  /** @throws TypeError for an unknown option */
  constructor(args: readonly string[], definitions: { readonly [name in Name]: OptionDefinition }) {
    const options = Object.fromEntries(
      Object.entries<OptionDefinition>(definitions).map(([name, definition]) => [
        name,
        { type: 'string' as const, default: definition.default },
      ]),
    );
    this.#values = parseArgs({ args: [...args], options }).values;
  }

  text(name: Name): string {
    return String(this.#values[name]);
  }

  /** @throws RangeError when it is not a whole number of at least 1 */
  count(name: Name): number {
    const value = Number(this.#values[name]);
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} is a whole number of at least 1`);
    return value;
  }

  list(name: Name): string[] {
    return this.text(name)
      .split(',')
      .filter((item) => item !== '');
  }
}

/** One line per option, for `--help`. */
export function describeOptions(definitions: { readonly [name: string]: OptionDefinition }): string {
  return Object.entries(definitions)
    .map(([name, definition]) => `  --${name.padEnd(14)} ${definition.about} (${definition.default})`)
    .join('\n');
}
