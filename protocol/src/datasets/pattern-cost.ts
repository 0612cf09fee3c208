/**
 * Regular expressions that somebody wrote and texts that somebody else sends: JavaScript's engine backtracks, and some
 * patterns take exponential time on some texts. Only patterns whose ways to match are few are taken; the number is counted
 * from above, over everything in the pattern that can match in more than one length.
 */

export const PATTERN_MAX_LENGTH = 256;
/** Longest text that is matched: the ways grow with it. */
export const PATTERN_TEXT_MAX_LENGTH = 256;
/** Ways to match from one place of the text: two quantifiers without end, and a little more. Below a millisecond. */
export const PATTERN_WAYS_MAX = 100_000;
/** A pattern that does not begin with ^ is tried from every place of the text. */
export const UNANCHORED_WAYS_MAX = 400;

/** @returns why a pattern is not taken; undefined when it is */
export function patternFault(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || pattern.length > PATTERN_MAX_LENGTH)
    return `a text of at most ${PATTERN_MAX_LENGTH} characters is wanted`;
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'no regular expression';
  }
  const reader = new PatternReader(pattern);
  const ways = reader.alternatives();
  if (reader.isSpecial) return 'references back and groups (?…) other than (?:…) are not taken';
  if (reader.isNested) return 'a group that repeats must not hold quantifiers or alternatives';
  const max = pattern.startsWith('^') && !reader.hasTopAlternative ? PATTERN_WAYS_MAX : UNANCHORED_WAYS_MAX;
  return ways > max ? `too many ways to match: begin with ^, use fewer of * + ? {n,m} (${ways}; at most ${max})` : undefined;
}

/** Walks a well-formed pattern and counts. */
class PatternReader {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  /** A group that repeats holds something that matches in several ways. */
  isNested = false;
  /** A reference back, an assertion, a named group. */
  isSpecial = false;
  hasTopAlternative = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Sequences between `|`, up to the end of the group or the pattern. Their ways add up. */
  alternatives(): number {
    let ways = this.#sequence();
    while (this.#pattern[this.#at] === '|') {
      this.#at++;
      this.hasTopAlternative ||= this.#depth === 0;
      ways += this.#sequence();
    }
    return ways;
  }

  /** Terms one after the other: their ways multiply. */
  #sequence(): number {
    let ways = 1;
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== '|' && this.#pattern[this.#at] !== ')') {
      const term = this.#term();
      const [min, max] = this.#quantifier();
      // (a+)+ and (a|a)* are where the exponential ones are.
      if (term > 1 && max > 1) this.isNested = true;
      ways *= term * (Math.min(max, PATTERN_TEXT_MAX_LENGTH) - Math.min(min, PATTERN_TEXT_MAX_LENGTH) + 1);
    }
    return ways;
  }

  /** One character, class or group. */
  #term(): number {
    const first = this.#pattern[this.#at++];
    if (first === '\\') this.#skipEscape();
    else if (first === '[') this.#skipClass();
    else if (first === '(') return this.#group();
    return 1;
  }

  #group(): number {
    if (this.#pattern.startsWith('?:', this.#at)) this.#at += 2;
    else if (this.#pattern[this.#at] === '?') this.isSpecial = true;
    this.#depth++;
    const ways = this.alternatives();
    this.#depth--;
    this.#at++;
    return ways;
  }

  #skipEscape(): void {
    this.isSpecial ||= /[1-9k]/.test(this.#pattern[this.#at] ?? '');
    const rest = /^(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|.)/s.exec(this.#pattern.slice(this.#at));
    this.#at += rest?.[0].length ?? 1;
  }

  #skipClass(): void {
    while (this.#pattern[this.#at] !== ']') this.#at += this.#pattern[this.#at] === '\\' ? 2 : 1;
    this.#at++;
  }

  /** How often the term before may stand: [1, 1] where no quantifier follows. */
  #quantifier(): [number, number] {
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#pattern.slice(this.#at));
    if (found === null) return [1, 1];
    this.#at += found[0].length;
    const [, sign, from = '0', comma, to = ''] = found;
    if (sign !== undefined) return [sign === '+' ? 1 : 0, sign === '?' ? 1 : Infinity];
    return [Number(from), comma === '' ? Number(from) : to === '' ? Infinity : Number(to)];
  }
}
