import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vite';

/** The dashboard: static files that the orchestrator serves itself. Nothing inline, so that the policy can forbid it. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
