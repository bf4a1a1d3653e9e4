import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

const fileName = 'service-worker.js';

/**
 * Adds workers/service-worker.ts to a build as `service-worker.js` beside index.html, where its
 * scope is the whole site, and stamps it with a hash over the names of all other files: those carry
 * content hashes, so a new build gets a new cache and an unchanged one keeps its own. It also learns
 * which scripts and styles there are, to keep those that the page loads only when they are asked for.
 */
export function serviceWorker(): Plugin {
  let isSsr = false;
  return {
    name: 'mergelab-service-worker',
    apply: 'build',
    configResolved(config) {
      isSsr = Boolean(config.build.ssr);
    },
    buildStart() {
      if (isSsr) return;
      this.emitFile({ type: 'chunk', id: 'workers/service-worker.ts', fileName });
    },
    generateBundle(_, bundle) {
      const chunk = bundle[fileName];
      if (chunk?.type !== 'chunk') return;
      const names = Object.keys(bundle).filter((name) => name !== fileName);
      const hash = createHash('sha256').update(names.sort().join('\n')).digest('hex').slice(0, 12);
      const parts = names.filter((name) => /\.(js|css)$/.test(name));
      chunk.code = chunk.code
        .replaceAll('__BUILD_HASH__', JSON.stringify(hash))
        .replaceAll('__BUILD_PARTS__', JSON.stringify(parts));
    },
  };
}
