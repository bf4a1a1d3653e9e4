#!/usr/bin/env node
// Entry of `npx mergelab`: bundles the command line when its sources are newer, then runs it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bundle = join(root, 'dist-cli', 'main.js');

function newestChangeMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChangeMs(path) : statSync(path).mtimeMs);
  }
  return newest;
}

if (!existsSync(join(root, 'node_modules'))) {
  console.error('error cli/usage: Dependencies are missing. Run "npm ci" in the project first.');
  process.exit(1);
}
if (!existsSync(bundle) || statSync(bundle).mtimeMs < newestChangeMs(join(root, 'src'))) {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    // Small libraries of many files take longer to be found than to be read.
    ssr: {
      noExternal: true,
      external: ['@huggingface/transformers', '@jax-js/jax', 'onnxruntime-web'],
    },
    build: {
      ssr: true,
      outDir: 'dist-cli',
      emptyOutDir: true,
      target: 'node20',
      copyPublicDir: false,
      rolldownOptions: {
        input: {
          main: join(root, 'src/cli/main.ts'),
          'python-thread': join(root, 'workers/python.worker.ts'),
        },
        // All in one folder: they find the thread for Python and the zoo from where they lie.
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
}
const { main } = await import(pathToFileURL(bundle).href);
process.exitCode = await main(process.argv.slice(2));
