// `npm test`: sets up, runs every check, and ends with the line "N passed, N failed".
// A check is one test of the suites, or one gate (types, lint, format, imports, size).
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { ensureChromium, ensureDependencies } from './set-up.mjs';

ensureDependencies();
ensureChromium();

const counts = { passed: 0, failed: 0 };
/** What the end says again of tests and gates that failed, or passed at the second try. */
const remarks = [];

/** Runs a command and gathers what it prints: two run at a time, and lines of both would mix. */
async function runGathering(args) {
  const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces = [];
  child.stdout.on('data', (piece) => pieces.push(piece));
  child.stderr.on('data', (piece) => pieces.push(piece));
  const isPassed = await new Promise((resolve) => {
    child.once('error', (error) => {
      pieces.push(Buffer.from(`${error.message}\n`));
      resolve(false);
    });
    child.once('close', (status) => {
      resolve(status === 0);
    });
  });
  return { isPassed, output: Buffer.concat(pieces).toString() };
}

/** Runs a check, and shows what it printed between two lines with its title. */
async function show(title, args, verdictOf) {
  const startMs = Date.now();
  console.log(`== ${title}: started`);
  const { isPassed, output } = await runGathering(args);
  const verdict = verdictOf(isPassed, output);
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  console.log(`\n== ${title}\n${output.trimEnd()}\n== ${title}: ${verdict} in ${seconds} s\n`);
}

function gate(title, ...args) {
  return async () => {
    await show(title, args, (isPassed) => {
      counts[isPassed ? 'passed' : 'failed'] += 1;
      if (!isPassed) remarks.push(`FAILED: ${title}`);
      return isPassed ? 'passed' : 'FAILED';
    });
  };
}

// What Vite and Vitest say when a test meets a library that was not prepared: its page loads anew.
const metLate =
  /dependenc(?:y|ies) optimized: |optimized dependencies changed|unexpectedly reloaded a test/;

function suite(title, project) {
  return async () => {
    const reportPath = `node_modules/.cache/mergelab-${project}.json`;
    rmSync(reportPath, { force: true });
    const args = ['vitest', 'run', `--project=${project}`];
    args.push('--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`);
    await show(title, args, (isPassed, output) => {
      const { numPassedTests, numFailedTests, testResults } = readReport(reportPath);
      remarks.push(...remarksOf(testResults));
      counts.passed += numPassedTests;
      counts.failed += numFailedTests;
      // A suite that could not even load, or that ran nothing, has no failed test to count.
      const ranNothing = numPassedTests + numFailedTests === 0;
      if ((!isPassed && numFailedTests === 0) || ranNothing) {
        counts.failed += 1;
        remarks.push(`FAILED: ${title}, outside of any test`);
      }
      if (project === 'browser' && metLate.test(output)) {
        counts.failed += 1;
        remarks.push(`FAILED: ${title} met a library that was not prepared`);
        return 'FAILED (name the library above in optimizeDeps.include of vite.config.ts)';
      }
      return `${numPassedTests} passed, ${numFailedTests} failed`;
    });
  };
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}

/** A test that passed with messages of failure needed its second try (`retry` in vite.config.ts). */
function remarksOf(testResults) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ failureMessages }) => failureMessages.length > 0)
      .map(({ status, fullName, failureMessages }) => {
        const verdict = status === 'passed' ? 'Passed at the second try' : 'FAILED';
        return `${verdict}: ${relative('.', name)}: ${fullName}\n${failureMessages.join('\n')}`;
      }),
  );
}

async function oneAfterTheOther(checks) {
  for (const check of checks) await check();
}

// Two lanes for two cores: one drives browsers, which wait a lot; what is in the other is
// single-threaded, or leaves a core free as Vitest does. Neither writes what the other reads.
await Promise.all([
  oneAfterTheOther([
    gate('Build', 'vite', 'build', '--logLevel', 'warn'),
    gate('First-load size', 'node', 'tools/first-load-size.mjs'),
    suite('End-to-end tests', 'e2e'),
    suite('Browser tests', 'browser'),
  ]),
  oneAfterTheOther([
    gate('Format', 'prettier', '--check', '--log-level', 'warn', '.'),
    gate('Types', 'tsc', '--noEmit', '-p', 'tsconfig.json'),
    gate('Svelte', 'svelte-check', '--tsconfig', 'tsconfig.json', '--fail-on-warnings'),
    gate('Lint', 'eslint', '.', '--max-warnings', '0'),
    gate('Imports', 'depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'workers'),
    suite('Unit tests', 'unit'),
  ]),
]);

if (remarks.length > 0) console.log(`${remarks.join('\n\n')}\n`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
