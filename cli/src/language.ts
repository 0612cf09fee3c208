/** Which of the two languages the command speaks to the person at this terminal. */

export type Language = 'zh' | 'en';

/** The order in which POSIX reads them: the first one that is set decides. */
const LOCALE_VARIABLES = ['LC_ALL', 'LC_MESSAGES', 'LANG'];

/**
 * @param asked the value of `--lang`, if given: `zh`, `zh-CN`, `en` …; anything else is taken for English
 * @param env e.g. process.env
 */
export function languageOf(asked: string | undefined, env: { readonly [name: string]: string | undefined }): Language {
  const locale = asked ?? LOCALE_VARIABLES.map((name) => env[name]).find((value) => value !== undefined && value !== '') ?? 'en';
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
