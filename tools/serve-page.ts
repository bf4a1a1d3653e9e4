import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { serveBuilt, type BuiltSite } from './serve-built';

/**
 * Builds one page of a test or a benchmark with the site's own configuration, without the zoo and the
 * interpreters, and serves it as the site is served.
 *
 * @param path of its HTML file, from the project's root
 * @returns the page's own address
 */
export async function servePage(path: string): Promise<BuiltSite> {
  const outDir = await mkdtemp(join(tmpdir(), 'mergelab-page-'));
  await build({
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      copyPublicDir: false,
      rolldownOptions: { input: { page: join(import.meta.dirname, '..', path) } },
    },
  });
  const site = await serveBuilt(outDir);
  return {
    address: new URL(path, site.address).href,
    close: async () => {
      await site.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
