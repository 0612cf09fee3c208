/**
 * An alert's message for reading. It is on record as the contract wrote it, with the producer's id and times in UTC; here
 * the id becomes the name people use, and times stand in the zone of the deployment like every other time on the screen.
 */
const RFC3339_UTC = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z/g;

/**
 * @param subject id of the producer the alert is about
 * @param name its name; empty: the id stays
 * @param localTime writes a time in the deployment's zone
 */
export function alertText(message: string, subject: string, name: string, localTime: (ms: number) => string): string {
  const named = name === '' ? message : message.replaceAll(subject, name);
  return named.replaceAll(RFC3339_UTC, (text) => localTime(Date.parse(text)));
}
