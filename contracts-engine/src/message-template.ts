/** Messages of alerts: text with placeholders in braces, filled the same way everywhere, whatever the locale. */
import type { Bilingual, Result } from '@airtight/protocol';

/** `{subject}`: the producer the alert is about. `{since}`: RFC 3339 UTC, when the condition began to hold. */
export const COMMON_PLACEHOLDERS: readonly string[] = ['subject', 'since'];
const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Placeholders of a text with their UTF-16 offsets. */
export function placeholdersIn(text: string): { readonly name: string; readonly offset: number }[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => ({ name: match[1] as string, offset: match.index }));
}

/** Both texts with their placeholders filled. Numbers are written as JSON writes them. */
export function fillMessage(message: Bilingual, subject: string, since: number, values: { readonly [name: string]: Result }): Bilingual {
  const fill = (text: string): string =>
    text.replace(PLACEHOLDER, (_, name: string) => {
      if (name === 'subject') return subject;
      if (name === 'since') return new Date(since).toISOString();
      return `${values[name] ?? ''}`;
    });
  return { zh: fill(message.zh), en: fill(message.en) };
}
