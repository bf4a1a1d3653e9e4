import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { expect } from 'vitest';
import { chromiumPath } from '../../tools/chromium';
import { serveBuilt, type BuiltSite } from '../../tools/serve-built';

/** Generous: the first scores need the models, the runtime and, on a slow machine, patience. */
export const patienceMs = 150_000;

/** The built site with a browser of its own, as a person meets it. */
export interface OpenSite {
  readonly address: string;
  readonly context: BrowserContext;
  close(): Promise<void>;
}

export interface BrowserOptions {
  /** Emulated WebGPU; without it this Chromium has no adapter at all. */
  readonly hasWebGpu?: boolean;
  /** Blocks cookies and site data, as a person may; IndexedDB and caches then refuse. */
  readonly isStorageDenied?: boolean;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** Serves `dist/` and starts Chromium with an empty profile. */
export async function openSite(options: BrowserOptions = {}): Promise<OpenSite> {
  const site: BuiltSite = await serveBuilt();
  const profile = mkdtempSync(join(tmpdir(), 'mergelab-profile-'));
  if (options.isStorageDenied === true) {
    mkdirSync(join(profile, 'Default'));
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  }
  const gpuFlags =
    options.hasWebGpu === true
      ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
      : [];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: ['--headless=new', '--no-sandbox', '--disable-background-networking', ...gpuFlags],
    viewport: options.viewport ?? { width: 1280, height: 860 },
    acceptDownloads: true,
  });
  context.setDefaultTimeout(patienceMs);
  return {
    address: site.address,
    context,
    close: async () => {
      await context.close();
      await site.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** A fresh page at the site, with `hash` in the address, that has its first scores. */
export async function openLab(site: OpenSite, hash = ''): Promise<Page> {
  const page = await site.context.newPage();
  await page.goto(site.address + hash);
  await settled(page);
  return page;
}

/**
 * A fresh page at the site that has merged and scores already. Most of the time until the scores are
 * whole goes into loading Python, which tests of other things need not wait for.
 */
export async function openAtWork(site: OpenSite, hash = ''): Promise<Page> {
  const page = await site.context.newPage();
  await page.goto(site.address + hash);
  await atWork(page);
  return page;
}

/** Waits until a merge was made and a reply of it was right. */
export async function atWork(page: Page): Promise<void> {
  await expect.poll(() => scoreOf(page, 'general'), { timeout: patienceMs }).toBeGreaterThan(0);
}

/** Waits until the scores on the page belong to the sliders. */
export async function settled(page: Page): Promise<void> {
  await page.locator('[aria-label="Scores"][aria-busy="false"]').waitFor({ timeout: patienceMs });
}

/** A domain's score in percent, as assistive technology reads it. */
export async function scoreOf(page: Page, domain: string): Promise<number> {
  const meter = page.getByRole('meter', { name: `${domain} score` });
  return Number(await meter.getAttribute('aria-valuenow'));
}

export async function coefficientOf(page: Page, id: string): Promise<string> {
  return page.getByRole('slider', { name: `${id} coefficient` }).inputValue();
}

/** Moves a slider with the keyboard alone: to the left end, then by tenths. */
export async function moveByKeyboard(page: Page, id: string, tenthsFromMin: number): Promise<void> {
  const slider = page.getByRole('slider', { name: `${id} coefficient` });
  await slider.focus();
  await page.keyboard.press('Home');
  for (let step = 0; step < tenthsFromMin; step++) await page.keyboard.press('Shift+ArrowRight');
}

/** The sentences of all alerts on the page. */
export async function alertsOf(page: Page): Promise<string[]> {
  return page.getByRole('alert').allTextContents();
}
