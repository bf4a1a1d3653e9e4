import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';

/** Builds the benchmark's page with the site's own configuration and serves it as the site is served. */
export async function servePage(): Promise<{ address: string; close: () => Promise<void> }> {
  const outDir = await mkdtemp(join(tmpdir(), 'mergelab-scale-'));
  await build({
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      // The zoo and the interpreters are not needed here.
      copyPublicDir: false,
      rolldownOptions: { input: { scale: join(import.meta.dirname, 'index.html') } },
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
    address: new URL('tools/bench/scale/index.html', base).href,
    close: async () => {
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections();
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
