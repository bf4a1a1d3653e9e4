import { preview } from 'vite';

/** The built site on a free port of this machine, as `npm start` serves it. */
export interface BuiltSite {
  /** Ends in `/`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves `dist/`. Build first: `npm run build`. */
export async function serveBuilt(): Promise<BuiltSite> {
  const server = await preview({ logLevel: 'error', preview: { port: 0, host: 'localhost' } });
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error('The preview server has no address');
  return {
    address,
    close: async () => {
      await server.close();
    },
  };
}
