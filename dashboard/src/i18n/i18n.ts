/** The two languages. zh-CN is the primary one; its keys are the type of all keys. */
import { createI18n } from 'vue-i18n';
import en from './en.json' with { type: 'json' };
import zh from './zh-CN.json' with { type: 'json' };

export type Locale = 'zh-CN' | 'en';
export const LOCALES: readonly Locale[] = ['zh-CN', 'en'];

/** `?lang=` wins over what this browser remembers, which wins over the browser's own language. */
export function preferredLocale(query: string | null, stored: string | null, browser: string): Locale {
  for (const wish of [query, stored]) {
    if (wish === 'en') return 'en';
    if (wish === 'zh' || wish === 'zh-CN') return 'zh-CN';
  }
  return browser.toLowerCase().startsWith('en') ? 'en' : 'zh-CN';
}

export function createMessages(locale: Locale) {
  return createI18n<[typeof zh], Locale, false>({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': zh, en },
  });
}
