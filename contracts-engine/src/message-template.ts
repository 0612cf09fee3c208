/** Messages of alerts: text with placeholders in braces, filled the same way everywhere, whatever the locale. */
import type { Bilingual, Result } from '@airtight/protocol';

/** `{subject}`: the producer the alert is about. `{since}`: RFC 3339 UTC, when the condition began to hold. */
export const COMMON_PLACEHOLDERS: readonly string[] = ['subject', 'since'];
const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Placeholders of a text with their UTF-16 offsets. */
export function placeholdersIn(text: string): { readonly name: string; readonly offset: number }[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => ({ name: match[1] as string, offset: match.index }));
}

/** Stands in the place of a value that the alert does not tell: of a confidential dataset, or not known. */
const UNTOLD: Bilingual = { zh: '［见证据记录］', en: '[see the records]' };

/** Both texts with their placeholders filled. Numbers are written as JSON writes them. */
export function fillMessage(message: Bilingual, subject: string, since: number, values: { readonly [name: string]: Result }): Bilingual {
  const fill = (text: string, untold: string): string =>
    text.replace(PLACEHOLDER, (_, name: string) => {
      if (name === 'subject') return subject;
      if (name === 'since') return new Date(since).toISOString();
      return `${values[name] ?? untold}`;
    });
  return { zh: fill(message.zh, UNTOLD.zh), en: fill(message.en, UNTOLD.en) };
}
