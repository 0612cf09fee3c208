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
  return new RegExp(`(?<![\\w.-])${literal(subject)}(?![\\w-])`, 'g');
}

/**
 * Whether a text for reading was made from a message: it is the same but for the subject's name, which can be any, and for how
 * times are written (RFC 3339).
 * @param subject empty: the message names none
 */
export function alertTextPattern(message: string, subject: string): (text: string) => boolean {
  const marks = subject === '' ? RFC3339_UTC : new RegExp(`${subjectPattern(subject).source}|${RFC3339_UTC.source}`, 'g');
  const times: number[] = [];
  let [pattern, from, groups] = ['', 0, 0];
  for (const { 0: mark, index } of message.matchAll(marks)) {
    pattern += `${literal(message.slice(from, index))}(.*?)`;
    if (mark !== subject) times[groups] = Date.parse(mark);
    from = index + mark.length;
    groups++;
  }
  const whole = new RegExp(`^${pattern}${literal(message.slice(from))}$`, 's');
  return (text) => {
    const found = whole.exec(text);
    // CAP has whole seconds.
    return found !== null && times.every((time, i) => Math.abs(Date.parse(found[i + 1] ?? '') - time) < 1000);
  };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
