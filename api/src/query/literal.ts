/** Values as SQL literals. Everything that comes from a request passes through here on its way into a query. */

/** A text as a ClickHouse string literal: backslash and quote are the two characters that could end it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A whole number as a literal; anything else is a mistake of ours, never a value of a request. */
export function wholeLiteral(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${value}`);
  return value.toFixed(0);
}
