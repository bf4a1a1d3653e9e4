// `npm start`: sets up, builds when the sources are newer than the build, and serves the site.
import { ensureDependencies } from './set-up.mjs';

ensureDependencies();
const { build, preview } = await import('vite');
await build({ logLevel: 'warn' });

const port = Number(process.env.PORT ?? 4173);
const server = await preview({ preview: { port, strictPort: true, host: 'localhost' } });
const address = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
console.log(`MergeLab is ready at ${address.replace(/\/$/, '')} (Ctrl+C stops it)`);
