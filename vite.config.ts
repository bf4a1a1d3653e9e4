import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { methodTexts } from './tools/vite/method-texts.ts';
import { runtimeAssets } from './tools/vite/runtime-assets.ts';
import { serviceWorker } from './tools/vite/service-worker.ts';
import { chromiumPath } from './tools/chromium.ts';

// Threads in WebAssembly need cross-origin isolation, which needs both headers.
const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

// Workers do not inherit the policy of the page's meta element: they need it as a header.
const contentSecurityPolicy =
  /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(
    readFileSync(new URL('index.html', import.meta.url), 'utf8'),
  )?.[1] ?? '';

const softwareGpuFlags = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const quietFlags = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
];

// A browser on a shared machine can stall for seconds. What needed this is named at the end of
// `npm test`, so that it gets mended and not forgotten.
const onceMore = 1;

export default defineConfig({
  base: './',
  plugins: [svelte(), methodTexts(), runtimeAssets(), serviceWorker()],
  resolve: {
    // Picks ONNX Runtime's bundle without embedded glue: the glue is served beside the wasm.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
  },
  optimizeDeps: {
    exclude: ['onnxruntime-web', 'pyodide'],
    // Found only on the way into a test, these would reload the page under it on a fresh checkout.
    include: [
      '@jax-js/jax',
      'axe-core',
      'client-zip',
      'comlink',
      'd3-scale',
      'd3-shape',
      'hash-wasm',
      'idb',
      'ml-matrix',
      'valibot',
      'yaml',
    ],
  },
  server: { headers: isolationHeaders },
  preview: {
    headers: { ...isolationHeaders, 'Content-Security-Policy': contentSecurityPolicy },
  },
  worker: {
    format: 'es',
    rolldownOptions: {
      // In a chunk of its own it is the same file for every worker; it needs nothing of theirs.
      output: {
        codeSplitting: { groups: [{ name: 'ml-matrix', test: /node_modules\/ml-matrix\// }] },
      },
    },
  },
  build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 1024 },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          setupFiles: ['test/unit/many-listeners.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.browser.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          retry: onceMore,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: chromiumPath(),
                // The new headless mode is a whole Chromium: the headless shell has no WebGPU.
                args: ['--headless=new', ...quietFlags, ...softwareGpuFlags],
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.test.ts'],
          environment: 'node',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          retry: onceMore,
        },
      },
    ],
  },
});
