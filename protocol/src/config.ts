/**
 * One documented configuration object per service: environment wins over the YAML file, which wins over defaults;
 * unknown keys are refused; the result is frozen. Pure: the caller reads file and environment.
 */
import { AirtightError } from './codes.ts';

interface BaseSetting {
  /** Environment variable. For a secret also `{env}_FILE`, resolved by the caller before it comes here. */
  readonly env: string;
  /** What it means, its unit, and what happens when it is wrong. */
  readonly doc: string;
}
export type Setting =
  | (BaseSetting & { readonly type: 'string'; readonly default: string })
  | (BaseSetting & { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number })
  | (BaseSetting & { readonly type: 'boolean'; readonly default: boolean })
  | (BaseSetting & { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] });

export type Settings = { readonly [key: string]: Setting };
type ValueOf<S extends Setting> = S extends { type: 'integer' }
  ? number
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { choices: readonly (infer C)[] }
      ? C
      : string;
export type ConfigOf<T extends Settings> = { readonly [K in keyof T]: ValueOf<T[K]> };

/**
 * @param settings the service's documented settings
 * @param file its section of the YAML file (parsed), or undefined
 * @param env e.g. process.env
 * @throws AirtightError CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function resolveConfig<T extends Settings>(
  settings: T,
  file: unknown,
  env: { readonly [name: string]: string | undefined },
): ConfigOf<T> {
  const section = file ?? {};
  if (typeof section !== 'object' || Array.isArray(section)) throw new AirtightError('CONFIG_INVALID', 'a section is a map of settings');
  const given = section as { readonly [key: string]: unknown };
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(settings, key)) throw new AirtightError('CONFIG_UNKNOWN_KEY', key);
  }
  const config: { [key: string]: string | number | boolean } = {};
  for (const [key, setting] of Object.entries(settings)) {
    const raw = env[setting.env] ?? given[key] ?? setting.default;
    config[key] = toValue(key, setting, raw);
  }
  return Object.freeze(config) as ConfigOf<T>;
}

function toValue(key: string, setting: Setting, raw: unknown): string | number | boolean {
  const invalid = (wanted: string): never => {
    throw new AirtightError('CONFIG_INVALID', `${key}: ${wanted}, got ${JSON.stringify(raw)}`);
  };
  switch (setting.type) {
    case 'string':
      return typeof raw === 'string' ? raw : invalid('a string');
    case 'integer': {
      const value = typeof raw === 'string' && /^-?\d{1,15}$/.test(raw) ? Number(raw) : raw;
      const fits = Number.isSafeInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max;
      return fits ? (value as number) : invalid(`a whole number from ${setting.min} to ${setting.max}`);
    }
    case 'boolean':
      if (raw === true || raw === 'true') return true;
      if (raw === false || raw === 'false') return false;
      return invalid('true or false');
    case 'choice':
      return typeof raw === 'string' && setting.choices.includes(raw) ? raw : invalid(`one of ${setting.choices.join(', ')}`);
  }
}
