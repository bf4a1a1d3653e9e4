import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alertsOf, openLab, openSite, scoreOf, settled, type OpenSite } from './site';

// WebGPU on an emulated adapter: correct and slow, so the page offers it and does not prefer it.

const domains = ['instruction', 'math', 'multilingual', 'coding', 'safety', 'general'];

let site: OpenSite;
let page: Page;

beforeAll(async () => {
  site = await openSite({ hasWebGpu: true });
  page = await openLab(site);
});

afterAll(async () => {
  await site.close();
});

function scores(): Promise<number[]> {
  return Promise.all(domains.map((domain) => scoreOf(page, domain)));
}

it('prefers WebAssembly to an emulated adapter, and WebGPU gives the same scores', async () => {
  const backend = page.getByRole('combobox', { name: 'Back end' });
  expect(await backend.locator('option:checked').textContent()).toContain('WebAssembly');
  const onWasm = await scores();
  await backend.selectOption('webgpu');
  // Busy from the choice on: while the device starts, while it merges and while it is scored.
  expect(await page.locator('[aria-label="Scores"]').getAttribute('aria-busy')).toBe('true');
  await settled(page);
  expect(await alertsOf(page)).toEqual([]);
  expect(await page.getByText('The last merge ran this').count()).toBe(1);
  // The GPU may differ in a last bit of a weight, which can turn one reply of sixteen.
  const onWebGpu = await scores();
  for (const [index, score] of onWebGpu.entries()) {
    expect(Math.abs(score - (onWasm[index] ?? 0))).toBeLessThanOrEqual(13);
  }
  expect(Math.max(...onWebGpu)).toBeGreaterThan(50);
});

it('shows the shader that ran', async () => {
  await page.getByText(/WGSL, \d+ lines/u).click();
  const shader = await page.getByRole('group', { name: 'Shader text' }).textContent();
  expect(shader).toContain('@compute');
});
