/** What this browser remembers of its reader's wishes. */
import { ref, watchEffect } from 'vue';
import { type Locale, preferredLocale } from '../i18n/i18n.ts';

export type Theme = 'system' | 'light' | 'dark';
export type Palette = 'official' | 'friendly';

/** Storage may be forbidden by policy; the screens work without memory then. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(`airtight.${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`airtight.${key}`, value);
  } catch {
    // Nothing to do: the choice holds until the page is closed.
  }
}

function oneOf<T extends string>(value: string | null, choices: readonly T[], otherwise: T): T {
  return choices.find((choice) => choice === value) ?? otherwise;
}

export const theme = ref<Theme>(oneOf(recall('theme'), ['system', 'light', 'dark'], 'system'));
export const palette = ref<Palette>(oneOf(recall('palette'), ['official', 'friendly'], 'official'));
export const dark = ref(false);

export function startLocale(): Locale {
  return preferredLocale(new URLSearchParams(location.search).get('lang'), recall('locale'), navigator.language);
}

export function rememberLocale(locale: Locale): void {
  remember('locale', locale);
}

/** Keeps the document's theme and palette attributes, which the tokens hang on, in step with the choices. */
export function applyPreferences(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const systemDark = ref(system.matches);
  system.addEventListener('change', (event) => {
    systemDark.value = event.matches;
  });
  watchEffect(() => {
    dark.value = theme.value === 'dark' || (theme.value === 'system' && systemDark.value);
    document.documentElement.dataset['theme'] = dark.value ? 'dark' : 'light';
    document.documentElement.dataset['palette'] = palette.value;
    remember('theme', theme.value);
    remember('palette', palette.value);
  });
}
