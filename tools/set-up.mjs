// What `npm start` and `npm test` need before anything else: dependencies and, for tests, a Chromium.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

/** Runs a command with its output shown; ends this process with a sentence if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (result.status === 0) return;
  const why = result.error === undefined ? `exit status ${result.status}` : result.error.message;
  console.error(`error: "${command} ${args.join(' ')}" failed (${why}).`);
  process.exit(1);
}

/** Installs what package-lock.json names, unless that very lock file is already installed. */
export function ensureDependencies() {
  const lockHash = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  const stampPath = 'node_modules/.mergelab-lock';
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === lockHash) return;
  console.log('Installing dependencies …');
  run('npm', ['ci', '--no-fund', '--no-audit']);
  writeFileSync(stampPath, lockHash);
}

const chromiumPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Finds a Chromium, or installs Debian's when this is Debian and we are root. */
export function ensureChromium() {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== '') {
    if (existsSync(named) && statSync(named).isFile()) return;
    console.error(`error: CHROMIUM names ${named}, which is not a file. Unset it or correct it.`);
    process.exit(1);
  }
  if (chromiumPaths.some((path) => existsSync(path))) return;
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    console.error('error: No Chromium was found. Install one, or set CHROMIUM to its path.');
    process.exit(1);
  }
  console.log('Installing Chromium from Debian …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env });
}
