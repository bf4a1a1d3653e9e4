import { chromium, type Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../tools/chromium';
import { atWork, settled } from './site';
import { serveWithoutHeaders } from './static-host';

describe('a static host that sends no headers', () => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveWithoutHeaders>>;

  beforeAll(async () => {
    host = await serveWithoutHeaders('/some/sub-path/');
    browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--headless=new', '--no-sandbox', '--disable-background-networking'],
    });
  });

  afterAll(async () => {
    await browser.close();
    await host.close();
  });

  it('is isolated by the service worker after one reload, and scores with threads', async () => {
    const page = await browser.newPage();
    let loads = 0;
    page.on('load', () => (loads += 1));
    await page.goto(host.address);
    await page.waitForFunction(() => crossOriginIsolated);
    await settled(page);
    expect(loads).toBe(2);
    await expect.poll(() => page.getByText(/2 threads|\d threads/).count()).toBeGreaterThan(0);
    await page.reload();
    await atWork(page);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(loads).toBe(3);
  });
});
