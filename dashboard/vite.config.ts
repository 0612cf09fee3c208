import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** Where `vite` (development) finds a running `airtight up`. */
const DEVELOPMENT_API = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    // Every file stays a file: `data:` URLs would need a wider Content-Security-Policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      treeshake: {
        // The protocol's schemas are for the server: here only its types and a few constants are used, so building
        // schemas at module level has no effect worth keeping.
        moduleSideEffects: [{ test: /[\\/](protocol|standards|tlog)[\\/]src[\\/]|[\\/]typebox[\\/]/, sideEffects: false }],
        manualPureFunctions: ['Type', 'Page'],
      },
    },
  },
  server: {
    proxy: { '/api': { target: DEVELOPMENT_API, ws: true }, '/ledger/': { target: DEVELOPMENT_API } },
  },
});
