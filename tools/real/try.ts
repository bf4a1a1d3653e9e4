// Opens real folders in the built page, as a person would: picks them, merges, writes the merged
// checkpoint to disk, generates and scores; prints how long each step took and the tab's peak memory.
//   npx tsx tools/real/try.ts --models OUT --base base --save OUT/merged.zip
import { execSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { chromiumPath } from '../chromium';
import { serveBuilt } from '../serve-built';

const { values } = parseArgs({
  options: {
    models: { type: 'string' },
    base: { type: 'string', default: 'base' },
    save: { type: 'string' },
  },
});
const { models, save } = values;
if (models === undefined || save === undefined) throw new Error('--models and --save are needed');

const stepLimitMs = 1_200_000;
const site = await serveBuilt();
const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: ['--headless=new', '--no-sandbox', '--disable-background-networking'],
});

let peakBytes = 0;
/** Resident memory of the largest renderer process, which is the tab's. */
const sampler = setInterval(() => {
  const lines = execSync('ps -eo rss,args').toString().split('\n');
  for (const line of lines) {
    if (!line.includes('--type=renderer')) continue;
    peakBytes = Math.max(peakBytes, Number.parseInt(line.trim(), 10) * 1024);
  }
}, 500);

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `${name.padEnd(28)} ${seconds.toFixed(1)} s, peak ${(peakBytes / 1e6).toFixed(0)} MB`,
  );
  return result;
}

try {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(stepLimitMs);
  page.on('pageerror', (error) => {
    console.log(`page error: ${error.message}`);
  });
  // Headless Chromium has no save dialog: without the picker the page downloads instead.
  await page.addInitScript(() => {
    Reflect.deleteProperty(globalThis, 'showSaveFilePicker');
  });
  await page.goto(site.address);
  const idle = async (): Promise<void> => {
    await page.locator('[aria-label="Scores"][aria-busy="false"]').waitFor();
  };
  await idle();
  await page.locator('input[type=file]').first().setInputFiles(models);
  await timed('open three folders', async () => {
    await page.getByRole('radio', { name: values.base }).check();
    await page.getByRole('button', { name: /^Open these/ }).click();
    await page.getByRole('status').filter({ hasText: 'Opened' }).first().waitFor();
    await page.getByRole('slider', { name: 'math coefficient' }).waitFor();
    await idle();
  });
  const cost = page.locator('.cost').first();
  await timed('merge', async () => {
    const before = await cost.innerText();
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    while ((await cost.innerText()) === before) await page.waitForTimeout(50);
  });
  console.log((await cost.innerText()).replaceAll('\n', ' '));
  await timed('write the checkpoint', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await (await download).saveAs(save);
  });
  await timed('generate with three models', async () => {
    await page.getByRole('textbox', { name: 'Prompt' }).fill('What is the capital of France?');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('status').filter({ hasText: 'The replies are complete.' }).waitFor();
  });
  console.log(await page.getByRole('region', { name: 'Completion' }).innerText());
  await timed('score the merge, quick set', async () => {
    await page.getByRole('combobox', { name: 'Item set' }).selectOption('quick');
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page.locator('[aria-label="Scores"][aria-busy="true"]').waitFor();
    await idle();
  });
  for (const meter of await page.getByRole('meter').all()) {
    const [name, text] = await Promise.all([
      meter.getAttribute('aria-label'),
      meter.getAttribute('aria-valuetext'),
    ]);
    console.log(`${name ?? ''}: ${text ?? ''}`);
  }
  console.log(`${readFileSync(save).byteLength} bytes in ${save}`);
} finally {
  clearInterval(sampler);
  await browser.close();
  await site.close();
}
