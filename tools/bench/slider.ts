// From the last movement of a slider to the first updated score and to the full quick pass, in
// headless Chromium without a GPU, on the built site. The baseline is the merge alone.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { chromium, type Page } from 'playwright';
import { chromiumPath } from '../chromium';
import { serveBuilt } from '../serve-built';
import { median, report } from './report';

const movementCount = 8;
const settledWithinMs = 180_000;

/** What one movement took, all from the moment of its last input event. */
interface Movement {
  readonly firstScoreMs: number;
  readonly fullPassMs: number;
  readonly longestTaskMs: number;
}

async function waitUntilIdle(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector('[aria-busy="true"]') === null,
    undefined,
    { timeout: settledWithinMs },
  );
}

/** Moves the slider by one key press and watches the meters. */
async function move(page: Page, key: string): Promise<Movement> {
  const slider = page.getByRole('slider', { name: 'math coefficient' });
  await slider.focus();
  // Two steps: the key must not be pressed before the page listens.
  await page.evaluate(() => {
    const holder = globalThis as { movement?: Promise<Movement> };
    holder.movement = new Promise<Movement>((resolve) => {
      let startMs = 0;
      let firstScoreMs = 0;
      let longestTaskMs = 0;
      let wasBusy = false;
      document.addEventListener('input', () => {
        startMs = performance.now();
      });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if (entry.startTime > startMs) longestTaskMs = Math.max(longestTaskMs, entry.duration);
        }
      }).observe({ type: 'longtask' });
      const observer = new MutationObserver((changes) => {
        const nowMs = performance.now();
        const isScore = changes.some(
          ({ target, attributeName }) =>
            attributeName === 'aria-valuetext' &&
            target instanceof Element &&
            target.getAttribute('role') === 'meter',
        );
        if (isScore && startMs > 0 && firstScoreMs === 0) firstScoreMs = nowMs - startMs;
        const isBusy = document.querySelector('[aria-busy="true"]') !== null;
        if (isBusy) wasBusy = true;
        if (wasBusy && !isBusy && firstScoreMs > 0) {
          observer.disconnect();
          resolve({ firstScoreMs, fullPassMs: nowMs - startMs, longestTaskMs });
        }
      });
      observer.observe(document.body, { attributes: true, subtree: true });
    });
  });
  await page.keyboard.press(key);
  const measured = await page.evaluate(
    () => (globalThis as { movement?: Promise<Movement> }).movement,
  );
  if (measured === undefined) throw new Error('The page measured nothing');
  return measured;
}

if (!existsSync('dist/index.html')) throw new Error('Run "npm run build" first');
const site = await serveBuilt();
const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: ['--headless=new', '--no-sandbox'],
});
try {
  const page = await browser.newPage();
  await page.goto(site.address);
  await page.getByRole('slider', { name: 'math coefficient' }).waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor();
  await waitUntilIdle(page);

  const movements: Movement[] = [];
  for (let index = 0; index < movementCount; index++) {
    movements.push(await move(page, index % 2 === 0 ? 'PageUp' : 'PageDown'));
    await waitUntilIdle(page);
  }
  const costText = await page.locator('.cost').first().innerText();
  const mergeMs = Number(/([\d.]+) ms/.exec(costText)?.[1] ?? Number.NaN);
  const shared = {
    backend: 'wasm',
    device: `Chromium, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}`,
    elementCount: 0,
    byteCount: 0,
    baseline: 'the merge alone',
    baselineMs: mergeMs,
  };
  const firstScoreMs = median(movements.map((movement) => movement.firstScoreMs));
  const fullPassMs = median(movements.map((movement) => movement.fullPassMs));
  const longestTaskMs = Math.max(...movements.map((movement) => movement.longestTaskMs));
  report({ ...shared, name: 'slider to first score', elapsedMs: Math.round(firstScoreMs) });
  report({ ...shared, name: 'slider to full quick pass', elapsedMs: Math.round(fullPassMs) });
  // Browsers report tasks above 50 ms only.
  if (longestTaskMs > 0) {
    report({ ...shared, name: 'longest task of the page', elapsedMs: Math.round(longestTaskMs) });
  }
} finally {
  await browser.close();
  await site.close();
}
