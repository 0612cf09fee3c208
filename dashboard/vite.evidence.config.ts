/** Builds `dist/evidence/template.html`: the page of an evidence file with its verifier, for `airtight export evidence` to fill. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import application from './vite.config.ts';

const ENTRY = fileURLToPath(new URL('./src/evidence/evidence-page.ts', import.meta.url));
const TEMPLATE = fileURLToPath(new URL('./evidence-template.html', import.meta.url));
const SCRIPT_PLACE = '<!--airtight:verifier-->';

/** The one script goes into the page; its hash is the only one that the page's policy lets run. */
function intoTemplate(): Plugin {
  return {
    name: 'evidence-template',
    generateBundle(_options, bundle) {
      const [name, ...more] = Object.keys(bundle);
      const chunk = name === undefined ? undefined : bundle[name];
      if (name === undefined || chunk?.type !== 'chunk' || more.length > 0) throw new Error(`not one script: ${Object.keys(bundle)}`);
      const script = chunk.code.replaceAll('</script', '<\\/script').trim();
      const hash = `sha256-${createHash('sha256').update(script).digest('base64')}`;
      const html = readFileSync(TEMPLATE, 'utf8')
        .replace('%SCRIPT_HASH%', hash)
        .replace(SCRIPT_PLACE, () => `<script>${script}</script>`);
      delete bundle[name];
      this.emitFile({ type: 'asset', fileName: 'template.html', source: html });
    },
  };
}

export default defineConfig({
  plugins: [intoTemplate()],
  publicDir: false,
  build: {
    outDir: 'dist/evidence',
    rolldownOptions: { treeshake: application.build?.rolldownOptions?.treeshake ?? true },
    lib: { entry: ENTRY, formats: ['iife'], name: 'airtightEvidence', fileName: 'evidence' },
  },
});
