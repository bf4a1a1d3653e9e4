// Takes the pictures that README.md shows, from the built site: `npm run screenshots`.
import { mkdirSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumPath } from '../chromium';
import { serveBuilt } from '../serve-built';

interface Picture {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'light' | 'dark';
  /** Whether the comparison of the methods is taken too, in `methods.png`. */
  readonly compares?: boolean;
}

const pictures: readonly Picture[] = [
  { file: 'lab-light.png', width: 1280, height: 900, colorScheme: 'light', compares: true },
  { file: 'lab-dark.png', width: 1280, height: 900, colorScheme: 'dark' },
  { file: 'lab-phone.png', width: 390, height: 844, colorScheme: 'light' },
];

/** Long enough to merge and score by every method on two slow cores. */
const comparedWithinMs = 900_000;
/** Long enough for the quick items of base, specialists and merge on two slow cores. */
const scoredWithinMs = 120_000;

async function take(browser: Browser, address: string, picture: Picture): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: picture.width, height: picture.height },
    colorScheme: picture.colorScheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(address);
  const scores = page.getByRole('region', { name: 'Scores', exact: true });
  await scores.waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ timeout: 30_000 });
  await page.waitForFunction(
    () => document.querySelector('[aria-busy="true"]') === null,
    undefined,
    { timeout: scoredWithinMs },
  );
  // Base and specialists are scored when the merge is done; their marks belong in the picture.
  await page
    .getByText('some numbers wait for that')
    .first()
    .waitFor({ state: 'hidden', timeout: scoredWithinMs });
  const path = `docs/${picture.file}`;
  await page.screenshot({ path });
  console.log(path);
  if (picture.compares === true) await takeComparison(page);
  await context.close();
}

async function takeComparison(page: Page): Promise<void> {
  const panel = page.getByRole('region', { name: 'Compare methods' });
  await panel.getByRole('button', { name: 'Compare methods' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /Compared \d+ methods/u })
    .waitFor({ timeout: comparedWithinMs });
  const path = 'docs/methods.png';
  await panel.locator('.dot-figure').screenshot({ path });
  console.log(path);
}

mkdirSync('docs', { recursive: true });
const site = await serveBuilt();
const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: ['--headless=new', '--no-sandbox', '--force-color-profile=srgb'],
});
try {
  for (const picture of pictures) await take(browser, site.address, picture);
} finally {
  await browser.close();
  await site.close();
}
