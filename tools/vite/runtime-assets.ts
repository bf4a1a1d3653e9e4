import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Plugin } from 'vite';

/**
 * Files of ONNX Runtime and Pyodide that are fetched at run time, by the path they are served at.
 * They keep fixed names so that workers can find them below the page's base address, and so that no
 * request leaves our origin.
 */
export const runtimeFiles: Readonly<Record<string, { package: string; files: readonly string[] }>> =
  {
    ort: {
      package: 'onnxruntime-web',
      files: [
        'ort-wasm-simd-threaded.mjs',
        'ort-wasm-simd-threaded.wasm',
        'ort-wasm-simd-threaded.jspi.mjs',
        'ort-wasm-simd-threaded.jspi.wasm',
        'ort-wasm-simd-threaded.asyncify.mjs',
        'ort-wasm-simd-threaded.asyncify.wasm',
      ],
    },
    pyodide: {
      package: 'pyodide',
      files: [
        'pyodide.mjs',
        'pyodide.asm.mjs',
        'pyodide.asm.wasm',
        'python_stdlib.zip',
        'pyodide-lock.json',
      ],
    },
  };

const contentTypes: Readonly<Record<string, string>> = {
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.zip': 'application/zip',
  '.json': 'application/json',
};

const require = createRequire(import.meta.url);

function sourcePath(folder: string, file: string): string {
  const entry = runtimeFiles[folder];
  if (entry === undefined) throw new Error(`No runtime folder ${folder}`);
  const main = require.resolve(
    entry.package === 'pyodide' ? 'pyodide/package.json' : 'onnxruntime-web',
  );
  return join(dirname(main), file);
}

/** Serves `ort/` and `pyodide/` from node_modules in dev and tests, and copies them into a build. */
export function runtimeAssets(): Plugin {
  let isSsr = false;
  return {
    name: 'mergelab-runtime-assets',
    configResolved(config) {
      isSsr = Boolean(config.build.ssr);
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = (request.url ?? '').split('?')[0] ?? '';
        const match = /\/(ort|pyodide)\/([\w.-]+)$/.exec(path);
        const folder = match?.[1] ?? '';
        const file = match?.[2] ?? '';
        if (runtimeFiles[folder]?.files.includes(file) !== true) {
          next();
          return;
        }
        const source = sourcePath(folder, file);
        response.setHeader('Content-Type', contentTypes[extname(file)] ?? 'text/plain');
        response.setHeader('Content-Length', statSync(source).size);
        response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
        createReadStream(source).pipe(response);
      });
    },
    generateBundle() {
      if (isSsr) return;
      for (const [folder, entry] of Object.entries(runtimeFiles)) {
        for (const file of entry.files) {
          this.emitFile({
            type: 'asset',
            fileName: `${folder}/${file}`,
            source: readFileSync(sourcePath(folder, file)),
          });
        }
      }
    },
  };
}
