// `npm test`: sets up, runs every check, and ends with the line "N passed, N failed".
// A check is one test of the suites, or one gate (types, lint, format, imports, size).
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { ensureChromium, ensureDependencies } from './set-up.mjs';

ensureDependencies();
ensureChromium();

const counts = { passed: 0, failed: 0 };

function gate(title, command, args) {
  const startMs = Date.now();
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  counts[status === 0 ? 'passed' : 'failed'] += 1;
  console.log(`== ${title}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
}

function suite(title, project) {
  const startMs = Date.now();
  const reportPath = `node_modules/.cache/mergelab-${project}.json`;
  rmSync(reportPath, { force: true });
  console.log(`\n== ${title}`);
  const { status } = spawnSync(
    'npx',
    [
      'vitest',
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
    ],
    { stdio: 'inherit' },
  );
  const report = readReport(reportPath);
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests;
  // A suite that could not even load, or that ran nothing, has no failed test to count.
  const ranNothing = report.numPassedTests + report.numFailedTests === 0;
  if ((status !== 0 && report.numFailedTests === 0) || ranNothing) counts.failed += 1;
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  console.log(
    `== ${title}: ${report.numPassedTests} passed, ${report.numFailedTests} failed in ${seconds} s`,
  );
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
}

gate('Format', 'npx', ['prettier', '--check', '--log-level', 'warn', '.']);
gate('Types', 'npx', ['tsc', '--noEmit', '-p', 'tsconfig.json']);
gate('Svelte', 'npx', ['svelte-check', '--tsconfig', 'tsconfig.json', '--fail-on-warnings']);
gate('Lint', 'npx', ['eslint', '.', '--max-warnings', '0']);
gate('Imports', 'npx', ['depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'workers']);
suite('Unit tests', 'unit');
gate('Build', 'npx', ['vite', 'build', '--logLevel', 'warn']);
gate('First-load size', 'node', ['tools/first-load-size.mjs']);
suite('Browser tests', 'browser');
suite('End-to-end tests', 'e2e');

console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
