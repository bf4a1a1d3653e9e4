import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';

/** Builds the page of the run tests with the site's own configuration and serves it as the site is. */
export async function serveRunPage(): Promise<{ address: string; close: () => Promise<void> }> {
  const outDir = await mkdtemp(join(tmpdir(), 'mergelab-runs-'));
  await build({
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      copyPublicDir: false,
      rolldownOptions: { input: { runs: join(import.meta.dirname, 'index.html') } },
    },
  });
  const server = await preview({
    logLevel: 'error',
    build: { outDir },
    preview: { port: 0, host: 'localhost' },
  });
  const base = server.resolvedUrls?.local[0];
  if (base === undefined) throw new Error('The preview server has no address');
  return {
    address: new URL('test/e2e/runs/index.html', base).href,
    close: async () => {
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections();
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
