import axe from 'axe-core';
import { page } from 'vitest/browser';
import { expect, it } from 'vitest';
import { render } from 'vitest-browser-svelte';
import App from '../../src/app/App.svelte';
import '../../src/app/styles/app.css';
import { partsOfEditor } from './fixtures/editor-parts';
import { ScriptedLab } from './fixtures/scripted-lab';

// The page on a hand-made lab; axe looks at the document, not at what computed the numbers.

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
])('axe finds nothing and nothing scrolls sideways: %s, %i px', async (theme, width) => {
  document.documentElement.lang = 'en';
  document.title = 'MergeLab';
  document.documentElement.dataset['theme'] = theme;
  await page.viewport(width, 800);
  await render(App, { connect: () => Promise.resolve(new ScriptedLab()) });
  const scores = page.getByRole('region', { name: 'Scores' });
  await expect.element(page.getByRole('slider', { name: 'math coefficient' })).toBeVisible();
  await expect.element(scores).toHaveAttribute('aria-busy', 'false');
  // Folded parts are parts of the page too.
  for (const details of document.querySelectorAll('details')) details.open = true;
  await expect.element(page.getByRole('combobox', { name: 'Outcome' })).toBeVisible();
  await expect.poll(() => partsOfEditor('.cm-content').length > 0, { timeout: 60_000 }).toBe(true);
  await page.getByRole('region', { name: 'Compare methods' }).getByRole('button').first().click();
  await expect
    .poll(() => document.querySelectorAll('[data-state="done"]').length, { timeout: 60_000 })
    .toBeGreaterThan(2);
  await page.getByRole('button', { name: 'Stop comparing' }).click();
  await page.getByRole('combobox', { name: 'Find a method' }).fill('dare');
  await expect.element(page.getByRole('listbox', { name: 'Methods found' })).toBeVisible();
  expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  const { violations } = await axe.run(document, {
    // The test page has no address bar of its own: best practices are part of the check.
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  });
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
  ).toEqual([]);
});
