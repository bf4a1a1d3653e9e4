import { preview } from 'vite';

/** The built site on a free port of this machine, as `npm start` serves it. */
export interface BuiltSite {
  /** Ends in `/`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves `dist/`, or another folder that holds a build. Build first: `npm run build`. */
export async function serveBuilt(outDir = 'dist'): Promise<BuiltSite> {
  const server = await preview({
    logLevel: 'error',
    build: { outDir },
    preview: { port: 0, host: 'localhost' },
  });
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error('The preview server has no address');
  return {
    address,
    close: async () => {
      // A browser that was just closed may have left connections alive; closing would wait for them.
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections();
      await server.close();
    },
  };
}
