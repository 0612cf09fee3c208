/**
 * An alert's message for reading. It is on record as the contract wrote it, with the subject's id and times in UTC; for people
 * the id becomes the name they use, and times stand as they are wanted.
 */
const RFC3339_UTC = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z/g;

/**
 * @param subject of the alert
 * @param name its name; empty: the id stays
 * @param time how a time is written, from epoch ms
 */
export function alertText(message: string, subject: string, name: string, time: (ms: number) => string): string {
  const named = name === '' ? message : message.replaceAll(subjectPattern(subject), () => name);
  return named.replaceAll(RFC3339_UTC, (text) => time(Date.parse(text)));
}

/** The id as a word of its own: `s1` is no part of `s10`, nor `all` of `overall`. */
function subjectPattern(subject: string): RegExp {
  const literal = subject.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`(?<![\\w.-])${literal}(?![\\w-])`, 'g');
}
