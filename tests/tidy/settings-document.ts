/**
 * The page docs/reference/settings.md, made from the settings that the services declare in their `config.ts`.
 * `node tests/tidy/settings-document.ts` writes it; a test holds it against the declarations.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Setting } from '@airtight/protocol';
import { files, root } from './tree.ts';

export const SETTINGS_DOCUMENT = 'docs/reference/settings.md';

const INTRODUCTION = `# Settings

Each service has one set of settings. An environment variable wins over the service's section of the YAML file that \`AIRTIGHT_CONFIG\`
names, which wins over the default; a key that is not listed here is refused (\`CONFIG_UNKNOWN_KEY\`). \`airtight up\` starts the services
with settings that fit together, so a single machine needs none of them.

This page is made from the declarations by \`node tests/tidy/settings-document.ts\`.
`;

interface DeclaredSettings {
  readonly [key: string]: Setting;
}

/** Every `…_SETTINGS` object that a package's `src/config.ts` exports, by package. */
async function declaredSettings(): Promise<Map<string, DeclaredSettings>> {
  const found = new Map<string, DeclaredSettings>();
  for (const path of files.filter((file) => /^[^/]+\/src\/config\.ts$/.test(file)).sort()) {
    const module = (await import(pathToFileURL(join(root, path)).href)) as { readonly [name: string]: unknown };
    for (const [name, value] of Object.entries(module)) {
      if (name.endsWith('_SETTINGS')) found.set(path.split('/')[0] ?? path, value as DeclaredSettings);
    }
  }
  return found;
}

function rowOf(key: string, setting: Setting): string {
  const allowed =
    setting.type === 'integer'
      ? `${setting.min} to ${setting.max}`
      : setting.type === 'choice'
        ? setting.choices.map((choice) => `\`${choice}\``).join(', ')
        : setting.type;
  const preset = setting.default === '' ? 'empty' : `\`${setting.default}\``;
  return `| \`${key}\` | \`${setting.env}\` | ${allowed} | ${preset} | ${setting.doc.replaceAll('|', '\\|')} |`;
}

/** The whole page. */
export async function settingsDocument(): Promise<string> {
  const sections = [...(await declaredSettings())].map(([service, settings]) =>
    [
      `\n## ${service}\n`,
      '| key | environment | values | default | meaning |',
      '| --- | --- | --- | --- | --- |',
      ...Object.entries(settings).map(([key, setting]) => rowOf(key, setting)),
    ].join('\n'),
  );
  return `${[INTRODUCTION.trimEnd(), ...sections].join('\n')}\n`;
}

if (import.meta.main) writeFileSync(join(root, SETTINGS_DOCUMENT), await settingsDocument());
