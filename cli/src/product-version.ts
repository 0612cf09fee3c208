/** The version of the product, as its package declares it. */
import { readFileSync } from 'node:fs';

export function productVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
