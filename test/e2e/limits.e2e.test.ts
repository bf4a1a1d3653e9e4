import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeState } from '../../src/recipe/url-codec';
import {
  alertsOf,
  atWork,
  coefficientOf,
  moveByKeyboard,
  openAtWork,
  openLab,
  openSite,
  scoreOf,
  settled,
  type OpenSite,
} from './site';
import { writeAdapter } from './write-adapter';

// What is missing, denied or wrong: each gives clear words and loses nothing.

const stagedRecipe = `name: both
merge_method: task_arithmetic
base_model: base
models:
  - {model: coding, parameters: {weight: 1}}
  - {model: base+math-lora, parameters: {weight: 1}}
---
merge_method: task_arithmetic
base_model: base
models:
  - {model: both, parameters: {weight: 1}}
tokenizer: {source: base, pad_to_multiple_of: 1000}
`;

describe('with everything a browser may lack', () => {
  let site: OpenSite;

  beforeAll(async () => {
    site = await openSite();
  });

  afterAll(async () => {
    await site.close();
  });

  it('merges without WebGPU and says so', async () => {
    const page = await openAtWork(site);
    await page.getByText(/about this browser/u).click();
    await expect(page.getByText('This browser offers no WebGPU').count()).resolves.toBe(1);
    await page.close();
  });

  it('works without a network after the first load', async () => {
    const page = await openLab(site);
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Say hello.');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('status').filter({ hasText: 'The replies are complete.' }).waitFor();
    await site.context.setOffline(true);
    await page.reload();
    await settled(page);
    expect(await alertsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Set all to 0.2', exact: true }).click();
    await settled(page);
    expect(await scoreOf(page, 'general')).toBeGreaterThan(0);
    // Nobody opened these while there was a network.
    await page.locator('summary').filter({ hasText: 'Recipe' }).click();
    await page.locator('.cm-content').waitFor();
    await page.getByRole('button', { name: 'Choose models' }).click();
    await page.getByRole('dialog', { name: 'Choose models' }).waitFor();
    await site.context.setOffline(false);
    await page.close();
  });

  it.each([
    ['text that no link holds', () => Promise.resolve('#r=%00garbage!!'), 'damaged'],
    [
      'a coefficient of NaN',
      async () =>
        `#r=${await encodeState({
          recipe: {
            mergeMethod: 'ties',
            baseModel: 'base',
            models: [
              { model: 'math', parameters: { weight: Number.NaN } },
              { model: 'coding', parameters: { weight: 1.25 } },
            ],
            parameters: {},
          },
        })}`,
      'coefficient',
    ],
    [
      'a model that is not there',
      async () =>
        `#r=${await encodeState({
          recipe: { mergeMethod: 'ties', models: [{ model: 'poetry', parameters: {} }] },
        })}`,
      'poetry',
    ],
    [
      'a method that does not exist',
      async () => `#r=${await encodeState({ recipe: { mergeMethod: 'blend', models: [] } })}`,
      'blend',
    ],
  ])('explains a bad link in one sentence and goes on: %s', async (what, hash, word) => {
    const page = await openAtWork(site, await hash());
    const alerts = await alertsOf(page);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toContain(word);
    expect(await coefficientOf(page, 'math')).toBe('0.4');
    if (what.includes('NaN')) expect(await coefficientOf(page, 'coding')).toBe('1.25');
    await page.close();
  });

  it('fits a phone, with controls a finger can hit', async () => {
    const page = await site.context.newPage();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(site.address);
    await atWork(page);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      390,
    );
    const slider = await page.getByRole('slider', { name: 'math coefficient' }).boundingBox();
    expect(slider?.height).toBeGreaterThanOrEqual(24);
    expect(slider?.width).toBeGreaterThan(100);
    await page.close();
  });
});

/** The picker, where models of this computer are chosen. */
async function openPicker(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: 'Choose models' }).click();
  const picker = page.getByRole('dialog', { name: 'Choose models' });
  await picker.getByRole('tab', { name: 'This computer' }).click();
  return picker;
}

describe('with folders from a disk', () => {
  let site: OpenSite;
  let folder: string;

  beforeAll(async () => {
    site = await openSite();
    folder = mkdtempSync(join(tmpdir(), 'mergelab-models-'));
    for (const id of ['base', 'math', 'coding']) {
      cpSync(join('public/zoo', id), join(folder, 'models', id), { recursive: true });
      cpSync(join('public/zoo', id), join(folder, 'broken', id), { recursive: true });
    }
    const file = join(folder, 'broken', 'math', 'model.safetensors');
    truncateSync(file, Math.floor(readFileSync(file).length / 2));
  });

  afterAll(async () => {
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('refuses a truncated file by name and keeps the zoo, then opens good folders', async () => {
    const page = await openAtWork(site);
    const picker = await openPicker(page);
    await picker.locator('input[webkitdirectory]').setInputFiles(join(folder, 'broken'));
    const note = picker.locator('.note');
    await note.waitFor();
    expect(await note.textContent()).toMatch(/model\.safetensors.+format\//u);
    const opens = picker.getByRole('button', { name: 'Open these 3 models' });
    expect(await opens.isDisabled()).toBe(true);

    await picker.getByRole('button', { name: 'Remove all' }).click();
    await picker.locator('input[webkitdirectory]').setInputFiles(join(folder, 'models'));
    await picker.getByText('These models fit together.').waitFor();
    await opens.click();
    await expect
      .poll(() => page.getByRole('slider', { name: /coefficient/u }).count(), { timeout: 60_000 })
      .toBe(2);
    await settled(page);
    expect(await alertsOf(page)).toEqual([]);
    expect(await scoreOf(page, 'general')).toBeGreaterThan(0);
    await page.close();
  });
});

describe('with an adapter and with weights alone', () => {
  it('merges them like models, in stages and with a tokenizer of their own', async () => {
    const site = await openSite();
    const folder = mkdtempSync(join(tmpdir(), 'mergelab-adapter-'));
    try {
      cpSync('public/zoo/base', join(folder, 'base'), { recursive: true });
      await writeAdapter(join(folder, 'math-lora'), 'math');
      cpSync('public/zoo/coding/model.safetensors', join(folder, 'coding.safetensors'));
      const page = await openAtWork(site);
      const picker = await openPicker(page);
      await picker.locator('input[webkitdirectory]').setInputFiles(folder);
      await picker.getByRole('button', { name: 'Open these 3 models' }).click();
      await page.getByRole('slider', { name: 'base+math-lora coefficient' }).waitFor();
      await page.getByRole('button', { name: 'Set all to 0', exact: true }).click();
      await settled(page);
      const without = await scoreOf(page, 'math');
      await moveByKeyboard(page, 'base+math-lora', 20);
      await settled(page);
      expect(await alertsOf(page)).toEqual([]);
      expect(await scoreOf(page, 'math')).toBeGreaterThan(without + 30);
      expect(await scoreOf(page, 'coding')).toBeLessThan(30);

      await page.getByRole('heading', { name: 'Recipe' }).click();
      const editor = page.getByRole('textbox', { name: 'Recipe' });
      await editor.locator('.cm-line').first().waitFor();
      await editor.fill(stagedRecipe);
      await page.getByRole('slider', { name: 'both coefficient' }).waitFor();
      await settled(page);
      expect(await alertsOf(page)).toEqual([]);
      expect(await scoreOf(page, 'math')).toBeGreaterThan(without + 30);
      expect(await scoreOf(page, 'coding')).toBeGreaterThan(30);
      // A longer embedding, read by a model of its own shape.
      const wider = await page.locator('.cost').textContent();
      expect(wider).toContain('4.7 MB written');
      await page.close();
    } finally {
      await site.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('with storage denied', () => {
  it('merges and scores, and says that nothing is kept', async () => {
    const site = await openSite({ isStorageDenied: true });
    try {
      const page = await openLab(site);
      expect(await alertsOf(page)).toEqual([]);
      expect(await scoreOf(page, 'general')).toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Storage' }).click();
      await expect(page.getByText('keeps nothing: it is a private window').count()).resolves.toBe(
        1,
      );
    } finally {
      await site.close();
    }
  });
});
