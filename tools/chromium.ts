import { existsSync } from 'node:fs';

const usualPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium that tests drive: `$CHROMIUM`, else the system's. Tests say so when it is missing. */
export function chromiumPath(): string {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') return named;
  return usualPaths.find((path) => existsSync(path)) ?? '/usr/bin/chromium';
}
