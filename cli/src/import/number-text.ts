/** Numbers as files write them, into numbers as JSON writes them: the digits stay as they are. */

/** RFC 8259 §6: such a text is a JSON number as it stands. */
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const LOOSE_NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?$/;
/** A double has 17 digits; far more is no measurement. */
const TEXT_MAX_LENGTH = 40;

/**
 * @param decimal the character between whole and fraction
 * @returns undefined when it is no number
 */
export function jsonNumber(text: string, decimal = '.'): string | undefined {
  if (text.length > TEXT_MAX_LENGTH) return undefined;
  const plain = decimal === '.' ? text : text.replace(decimal, '.');
  if (JSON_NUMBER.test(plain)) return Number.isFinite(Number(plain)) ? plain : undefined;
  const [, sign, whole = '', fraction = '', exponent = ''] = LOOSE_NUMBER.exec(plain) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const number = `${sign === '-' ? '-' : ''}${digits}${fraction === '' ? '' : `.${fraction}`}${exponent}`;
  return Number.isFinite(Number(number)) ? number : undefined;
}
