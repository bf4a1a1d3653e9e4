import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  alertsOf,
  coefficientOf,
  moveByKeyboard,
  openAtWork,
  openLab,
  openSite,
  scoreOf,
  settled,
  type OpenSite,
} from './site';

// One visit from start to end, on the built site with its own models: the order matters.

let site: OpenSite;
let page: Page;
const pageErrors: string[] = [];

beforeAll(async () => {
  site = await openSite();
  site.context.on('weberror', (error) => pageErrors.push(error.error().message));
  page = await openLab(site);
});

afterAll(async () => {
  await site.close();
});

describe('a visit', () => {
  it('shows scores of a real merge at once', async () => {
    expect(await alertsOf(page)).toEqual([]);
    const scores = await Promise.all(
      ['instruction', 'math', 'multilingual', 'coding', 'safety', 'general'].map((domain) =>
        scoreOf(page, domain),
      ),
    );
    expect(Math.max(...scores)).toBeGreaterThan(0);
    await expect(page.locator('.cost').textContent()).resolves.toMatch(/ms|s for the last merge/u);
  });

  it('raises the math score when the math coefficient goes from 0 to 1, by keyboard', async () => {
    await page.getByRole('button', { name: 'Set all to 0', exact: true }).click();
    await settled(page);
    const without = await scoreOf(page, 'math');
    await moveByKeyboard(page, 'math', 20);
    expect(await coefficientOf(page, 'math')).toBe('1');
    await settled(page);
    // All else is 0, so the merge is the math specialist itself.
    expect(await scoreOf(page, 'math')).toBeGreaterThan(without + 30);
  });

  it('writes with base, specialist and merge; this merge writes what its specialist writes', async () => {
    await page.locator('.examples').getByRole('button', { name: 'math' }).click();
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).not.toBe('');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('status').filter({ hasText: 'The replies are complete.' }).waitFor();
    const replies = await page.locator('.completion-text').allTextContents();
    expect(replies).toHaveLength(3);
    const [base, specialist, merge] = replies;
    expect(base).not.toBe('');
    expect(specialist).toMatch(/\d/u);
    // B + 1·(W − B) is W exactly in float32, so the two models are one.
    expect(merge).toBe(specialist);
  });

  it('finds the same state after a reload', async () => {
    const prompt = await page.getByRole('textbox', { name: 'Prompt' }).inputValue();
    await expect.poll(() => new URL(page.url()).hash.startsWith('#r=')).toBe(true);
    await page.waitForTimeout(500);
    await page.reload();
    await settled(page);
    expect(await coefficientOf(page, 'math')).toBe('1');
    expect(await coefficientOf(page, 'coding')).toBe('0');
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe(prompt);
    expect(await alertsOf(page)).toEqual([]);
  });

  it('merges by each method, each with a result of its own', async () => {
    await page.getByRole('button', { name: 'Set all to 0.4', exact: true }).click();
    const method = page.getByRole('combobox', { name: 'Merging method' });
    const hashes = new Set<string>();
    const tried = ['slerp', 'lines', 'iso_c', 'linear', 'task_arithmetic', 'ties', 'dare_linear'];
    for (const id of tried) {
      await method.selectOption(id);
      await settled(page);
      expect(await alertsOf(page)).toEqual([]);
      hashes.add((await page.locator('.cost .term').textContent()) ?? '');
      expect(await scoreOf(page, 'general')).toBeGreaterThan(0);
    }
    expect(hashes.size).toBe(tried.length);
  });

  it('undoes and redoes by key and by button', async () => {
    const method = page.getByRole('combobox', { name: 'Merging method' });
    await page.getByRole('slider', { name: 'math coefficient' }).focus();
    await page.keyboard.press('Control+z');
    expect(await method.inputValue()).toBe('ties');
    await page.getByRole('button', { name: 'Redo' }).click();
    expect(await method.inputValue()).toBe('dare_linear');
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    expect(await method.inputValue()).toBe('task_arithmetic');
  });

  it('compares methods beside each other, and opens one', async () => {
    const panel = page.getByRole('region', { name: 'Compare methods' });
    await panel.getByRole('button', { name: 'Compare methods' }).click();
    await panel.locator('tr[data-state="done"]').nth(1).waitFor();
    await panel.getByRole('button', { name: 'Stop comparing' }).click();
    const mean = await panel.locator('tr[data-state="done"] td').nth(6).textContent();
    expect(Number(mean)).toBeGreaterThan(0);
    const measured = await panel.locator('tr[data-state="done"]').count();
    // Measured rows stay; what was measured on an earlier visit comes from the store.
    await page.reload();
    await settled(page);
    await panel.getByRole('button', { name: 'Compare methods' }).click();
    await panel
      .getByText('measured before')
      .nth(measured - 1)
      .waitFor();
    await panel.getByRole('button', { name: 'Stop comparing' }).click();
    const first = panel.locator('tr[data-state="done"]').first();
    const title = await first.locator('th button').textContent();
    await first.locator('th button').click();
    const method = page.getByRole('combobox', { name: 'Merging method' });
    expect(await method.locator('option:checked').textContent()).toContain(title);
    // Its scores were kept, so that nothing is run again.
    await page.getByText('measured before, kept').waitFor();
    await settled(page);
    expect(await page.locator('.score-state').textContent()).toBe('measured before, kept');
    expect(await alertsOf(page)).toEqual([]);
  });

  it('merges a recipe with a gradient that is written by hand, and finds it after a reload', async () => {
    await page.getByRole('heading', { name: 'Recipe' }).click();
    const editor = page.getByRole('textbox', { name: 'Recipe' });
    await editor.locator('.cm-line').first().waitFor();
    await editor.fill(`# by hand
merge_method: task_arithmetic
base_model: base
models:
  - model: math
    parameters: {weight: [0, 1]}
`);
    await page.getByText('It alone sets: weight of math').waitFor();
    await settled(page);
    expect(await alertsOf(page)).toEqual([]);
    expect(await coefficientOf(page, 'coding')).toBe('0');
    const hash = await page.locator('.cost .term').textContent();
    await page.waitForTimeout(500);
    await page.reload();
    await settled(page);
    expect(await page.locator('.cost .term').textContent()).toBe(hash);
    await page.getByText('It alone sets: weight of math').waitFor();
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    await settled(page);
  });

  it('shows what every score is made of', async () => {
    await settled(page);
    await page.getByText('Every question and reply').click();
    await page.getByRole('combobox', { name: 'Domain' }).selectOption('math');
    await page.locator('.item summary').first().click();
    const body = await page.locator('.item-body').first().textContent();
    for (const part of ['Prompt', 'Reply', 'Expected', 'Why']) expect(body).toContain(part);
  });

  it('runs every item at the press of a button, and stops when told to', async () => {
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page.locator('[aria-label="Scores"][aria-busy="true"]').waitFor();
    const progress = page.getByRole('progressbar', { name: 'Progress' });
    await expect
      .poll(async () => Number(await progress.getAttribute('value')), { timeout: 60_000 })
      .toBeGreaterThan(0);
    // More than the quick set has: all items are on the way.
    expect(Number(await progress.getAttribute('max'))).toBeGreaterThanOrEqual(1800);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await settled(page);
    await page.getByText('stopped part of the way').waitFor();
    expect(await alertsOf(page)).toEqual([]);
    await page.getByRole('combobox', { name: 'Item set' }).selectOption('quick');
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page.getByText(/measured (now|before)/u).waitFor();
  });

  it('exports the merged checkpoint as a zip in Hugging Face layout', async () => {
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe('mergelab-task-arithmetic.zip');
    const bytes = readFileSync(await download.path());
    expect(bytes.subarray(0, 2).toString('latin1')).toBe('PK');
    const text = bytes.toString('latin1');
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'README.md']) {
      expect(text).toContain(name);
    }
  });

  it('has nothing that axe objects to, and no error that nobody caught', async () => {
    const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    // The page's policy allows no inline script; the protocol may run one.
    await page.evaluate(readFileSync(axePath, 'utf8'));
    const violations = await page.evaluate(async () => {
      const loaded = globalThis as unknown as { axe: typeof axe };
      const results = await loaded.axe.run(document);
      return results.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
    });
    expect(violations).toEqual([]);
    expect(pageErrors).toEqual([]);
  });

  it('survives a tab closed in the middle of a merge', async () => {
    const other = await openAtWork(site);
    await other.getByRole('button', { name: 'Set all to 1', exact: true }).click();
    await other.getByRole('button', { name: 'Merge', exact: true }).click({ noWaitAfter: true });
    await other.close();
    const next = await openLab(site);
    expect(await alertsOf(next)).toEqual([]);
    expect(await scoreOf(next, 'general')).toBeGreaterThan(0);
    await next.close();
  });
});
