import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, it } from 'vitest';
import { render } from 'vitest-browser-svelte';
import App from '../../src/app/App.svelte';
import '../../src/app/styles/app.css';
import { LabError } from '../../src/core/errors';
import { decodeState, encodeState } from '../../src/recipe/url-codec';
import { partsOfEditor } from './fixtures/editor-parts';
import { ScriptedLab, type Script } from './fixtures/scripted-lab';

// The interface alone, on a hand-made lab that answers by rule: what the page asks for, when, and
// what it shows. Merging, scoring and writing are tested with the real lab elsewhere.

async function open(script: Script = {}): Promise<ScriptedLab> {
  const lab = new ScriptedLab(script);
  await render(App, { connect: () => Promise.resolve(lab) });
  await expect.element(slider('math')).toBeVisible();
  return lab;
}

const slider = (id: string) => page.getByRole('slider', { name: `${id} coefficient` });
const scores = () => page.getByRole('region', { name: 'Scores' });
const meter = (domain: string) => page.getByRole('meter', { name: `${domain} score` });

async function settled(): Promise<void> {
  await expect.element(scores()).toHaveAttribute('aria-busy', 'false');
}

function percent(domain: string): number {
  return Number(meter(domain).element().getAttribute('aria-valuenow'));
}

beforeEach(() => {
  history.replaceState(null, '', location.pathname + location.search);
});

describe('opening', () => {
  it('opens the zoo by itself, merges and scores it', async () => {
    const lab = await open();
    await settled();
    expect(lab.calls.slice(0, 2).map(({ name }) => name)).toEqual(['merge', 'evaluate']);
    for (const domain of ['instruction', 'math', 'multilingual', 'coding', 'safety', 'general']) {
      expect(percent(domain)).toBeGreaterThan(0);
    }
    await expect.element(page.getByRole('status')).toHaveTextContent('5 specialists');
  });

  it('shows a failed merge as one alert with its code and goes on', async () => {
    let failure: LabError | undefined = new LabError('gpu/lost', 'The device was lost; try again.');
    await open({ failMerge: () => failure });
    await expect.element(page.getByRole('alert')).toHaveTextContent('The device was lost');
    await expect.element(page.getByRole('alert')).toHaveTextContent('gpu/lost');
    await settled();
    failure = undefined;
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await settled();
    expect(page.getByRole('alert').elements()).toHaveLength(0);
    expect(percent('math')).toBeGreaterThan(0);
  });
});

describe('sliders', () => {
  it('follow the keyboard, and a higher coefficient reaches the lab and the meter', async () => {
    const lab = await open();
    await settled();
    const before = percent('math');
    slider('math').element().focus();
    for (let press = 0; press < 4; press++) {
      await userEvent.keyboard('{Shift>}{ArrowRight}{/Shift}');
    }
    await expect.element(scores()).toHaveAttribute('aria-busy', 'true');
    await settled();
    const merges = lab.calls.filter(({ name }) => name === 'merge');
    const weights = merges.at(-1)?.recipe?.models.map(({ parameters }) => parameters['weight']);
    expect(weights).toEqual([0.4, 0.8, 0.4, 0.4, 0.4]);
    expect(percent('math')).toBeGreaterThan(before);
  });

  it('let only the newest movement through', async () => {
    const lab = await open({ mergeMs: 30 });
    await settled();
    const input = slider('coding').element() as HTMLInputElement;
    const callsBefore = lab.calls.length;
    for (const value of [0.5, 0.6, 0.7, 0.9]) {
      input.value = String(value);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      await new Promise((resolve) => setTimeout(resolve, 55));
    }
    await settled();
    const merges = lab.calls.slice(callsBefore).filter(({ name }) => name === 'merge');
    expect(merges.at(-1)?.signal?.aborted).toBe(false);
    expect(merges.slice(0, -1).every(({ signal }) => signal?.aborted === true)).toBe(true);
    const evaluations = lab.calls.slice(callsBefore).filter(({ name }) => name === 'evaluate');
    expect(evaluations.filter(({ signal }) => signal?.aborted === false)).toHaveLength(1);
  });

  it('take a typed number, ignore half of one, and put an impossible one right', async () => {
    await open();
    const field = page.getByRole('spinbutton', { name: 'math coefficient value' });
    await field.fill('1.25');
    expect((slider('math').element() as HTMLInputElement).value).toBe('1.25');
    await field.fill('9');
    expect((slider('math').element() as HTMLInputElement).value).toBe('1.25');
    await userEvent.tab();
    expect((slider('math').element() as HTMLInputElement).value).toBe('2');
    await expect.element(field).toHaveValue(2);
  });

  it('undo, redo and reset by button and by key', async () => {
    await open();
    const value = (): string => (slider('math').element() as HTMLInputElement).value;
    await page.getByRole('button', { name: 'Set all to 1', exact: true }).click();
    expect(value()).toBe('1');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(value()).toBe('0.4');
    await page.getByRole('button', { name: 'Redo' }).click();
    expect(value()).toBe('1');
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    expect(value()).toBe('0.4');
    slider('math').element().focus();
    await userEvent.keyboard('{Control>}z{/Control}');
    expect(value()).toBe('1');
  });
});

describe('the method picker', () => {
  const select = () => page.getByRole('combobox', { name: 'Merging method' });
  const search = () => page.getByRole('combobox', { name: 'Find a method' });

  it('groups its methods and tells about the chosen one, with its formula', async () => {
    await open();
    await expect.element(select()).toBeVisible();
    const groups = [...select().element().querySelectorAll('optgroup')];
    expect(groups.length).toBeGreaterThan(1);
    await select().selectOptions('ties');
    await expect.element(page.getByText('lets them vote')).toBeVisible();
    const formula = page.getByRole('group', { name: 'Formula' });
    await expect.poll(() => formula.element().querySelectorAll('math').length).toBeGreaterThan(1);
    await expect.element(page.getByText('What to try:')).toBeVisible();
  });

  it('finds a method by typing, by keyboard alone', async () => {
    await open();
    await settled();
    await search().fill('dare');
    const options = page.getByRole('option', { name: 'DARE' });
    await expect.poll(() => options.elements().length).toBeGreaterThan(0);
    search().element().focus();
    await userEvent.keyboard('{ArrowDown}{ArrowUp}{Enter}');
    await expect.element(select()).toHaveValue('dare_linear');
    await expect.element(search()).toHaveValue('');
    await search().fill('no such thing');
    await expect.element(page.getByText('No method matches')).toBeVisible();
    await userEvent.keyboard('{Escape}');
    await expect.element(search()).toHaveValue('');
    await expect.element(select()).toHaveValue('dare_linear');
  });

  it('keeps coefficients from method to method and gives a setting to each specialist', async () => {
    const lab = await open();
    await settled();
    await page.getByRole('spinbutton', { name: 'math coefficient value' }).fill('0.9');
    await select().selectOptions('ties');
    await page.getByRole('checkbox', { name: 'density differs between specialists' }).click();
    await page.getByRole('spinbutton', { name: 'math density value' }).fill('0.2');
    await expect
      .poll(() => lab.calls.filter(({ name }) => name === 'merge').at(-1)?.recipe)
      .toMatchObject({
        mergeMethod: 'ties',
        models: [
          { model: 'instruction', parameters: { weight: 0.4, density: 0.4 } },
          { model: 'math', parameters: { weight: 0.9, density: 0.2 } },
          {},
          {},
          {},
        ],
      });
    await page.getByRole('button', { name: 'Restore density' }).click();
    await expect.element(page.getByRole('slider', { name: 'density', exact: true })).toBeVisible();
  });
});

describe('the plan', () => {
  it('says beside the button what a merge would cost, and follows the method', async () => {
    await open();
    await settled();
    const summary = page.getByText(/Plan:/u);
    await expect.element(summary).toHaveTextContent('reads 38.6 MB');
    await expect.element(summary).toHaveTextContent('everything fits');
    await summary.click();
    const passes = () => page.getByText('Passes over the weights').element().nextElementSibling;
    expect(passes()?.textContent).toBe('1');
    await page.getByRole('combobox', { name: 'Merging method' }).selectOptions('ties');
    await expect.poll(() => passes()?.textContent).toBe('4');
  });

  it('lists what speaks against a merge, before it is tried', async () => {
    await open({
      findings: [
        {
          severity: 'warning',
          code: 'recipe/shape-mismatch',
          sentence: 'The tokenizers differ in 2 added tokens; those of the base are used.',
          models: ['math'],
        },
      ],
    });
    const summary = page.getByText(/Plan:/u);
    await expect.element(summary).toHaveTextContent('1 warning');
    await summary.click();
    await expect
      .element(page.getByRole('list', { name: 'Findings' }))
      .toHaveTextContent('The tokenizers differ');
  });
});

describe('the recipe editor', () => {
  const editor = () => page.getByRole('textbox', { name: 'Recipe' });
  const content = (): string => editor().element().textContent;

  async function openEditor(): Promise<ScriptedLab> {
    const lab = await open();
    await settled();
    await page.getByRole('heading', { name: 'Recipe' }).click();
    await expect.element(editor()).toBeVisible();
    await expect
      .poll(() => partsOfEditor('.cm-content').length > 0, { timeout: 60_000 })
      .toBe(true);
    return lab;
  }

  /** Puts a text in place of the recipe, as pasting does. */
  async function write(text: string): Promise<void> {
    editor().element().focus();
    await userEvent.keyboard('{Control>}a{/Control}');
    const data = new DataTransfer();
    data.setData('text/plain', text);
    editor()
      .element()
      .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  }

  it('follows the sliders, and a recipe written in it moves them, comments and all', async () => {
    const lab = await openEditor();
    await page.getByRole('spinbutton', { name: 'math coefficient value' }).fill('0.85');
    await expect.poll(content).toContain('weight: 0.85');
    await write(
      '# mine\nmerge_method: ties\nbase_model: base\nmodels:\n  - model: math\n    parameters: {weight: [0.1, 0.9]}\n  - model: coding\n    parameters: {weight: 0.65}\n',
    );
    await expect
      .element(page.getByRole('combobox', { name: 'Merging method' }))
      .toHaveValue('ties');
    expect((slider('coding').element() as HTMLInputElement).value).toBe('0.65');
    await expect.element(page.getByText('It alone sets: weight of math')).toBeVisible();
    await expect
      .poll(() => lab.calls.filter(({ name }) => name === 'merge').at(-1)?.recipe?.models)
      .toMatchObject([{ parameters: { weight: [0.1, 0.9] } }, { parameters: { weight: 0.65 } }]);
    await page.getByRole('spinbutton', { name: 'coding coefficient value' }).fill('0.25');
    await expect.poll(content).toContain('{weight: 0.25}');
    expect(content()).toContain('# mine');
    await expect
      .poll(async () => JSON.stringify(await decodeState(location.hash.slice(3))))
      .toContain('# mine');
    await page.getByRole('button', { name: 'Back to the sliders' }).click();
    await expect.poll(content).not.toContain('# mine');
  });

  it('takes several documents, with a slider for each stage that the last one merges', async () => {
    const lab = await openEditor();
    await write(
      'name: soup\nmerge_method: linear\nmodels:\n  - {model: math, parameters: {weight: 1}}\n  - {model: coding, parameters: {weight: 1}}\n---\nmerge_method: task_arithmetic\nbase_model: base\nmodels:\n  - {model: soup, parameters: {weight: 0.65}}\n',
    );
    await expect.element(slider('soup')).toHaveValue('0.65');
    expect((slider('math').element() as HTMLInputElement).value).toBe('0');
    await page.getByRole('spinbutton', { name: 'soup coefficient value' }).fill('0.25');
    await expect
      .poll(() => lab.calls.findLast(({ name }) => name === 'merge')?.recipe?.models)
      .toMatchObject([{ model: 'soup', parameters: { weight: 0.25 } }]);
    await expect
      .poll(() => lab.calls.findLast(({ name }) => name === 'plan')?.recipeNames)
      .toEqual(['soup', undefined]);
    await page.getByRole('button', { name: 'Back to the sliders' }).click();
    await expect.element(slider('soup')).not.toBeInTheDocument();
  });

  it('with slices has no slider for a model that is in none', async () => {
    await openEditor();
    await write(
      'merge_method: task_arithmetic\nbase_model: base\nslices:\n  - sources:\n      - {model: base, layer_range: [0, 2]}\n      - {model: math, layer_range: [0, 2], parameters: {weight: 0.6}}\n',
    );
    await expect.element(slider('math')).toHaveValue('0.6');
    await expect.element(slider('coding')).toBeDisabled();
    await page.getByRole('spinbutton', { name: 'math coefficient value' }).fill('0.35');
    await expect.poll(content).toContain('weight: 0.35');
  });

  it('marks mistakes with their line and keeps what was valid in force', async () => {
    const lab = await openEditor();
    const merges = (): number => lab.calls.filter(({ name }) => name === 'merge').length;
    const mergesBefore = merges();
    await write('merge_method: tis\nmodels: []\n');
    const mistakes = page.getByRole('list', { name: 'Mistakes in the recipe' });
    await expect.element(mistakes).toHaveTextContent('Line 1:');
    await expect.element(mistakes).toHaveTextContent('ties');
    await expect.poll(() => partsOfEditor('.cm-lint-marker').length).toBeGreaterThan(0);
    expect(merges()).toBe(mergesBefore);
    await expect
      .element(page.getByRole('combobox', { name: 'Merging method' }))
      .toHaveValue('task_arithmetic');
  });
});

describe('comparing methods', () => {
  const panel = () => page.getByRole('region', { name: 'Compare methods' });
  const rows = () => [...panel().element().querySelectorAll('tbody tr')];
  const compareButton = () => panel().getByRole('button', { name: 'Compare methods' });

  it('measures every method, sorts, and opens one in the lab', async () => {
    const lab = await open({ hasScores: ({ mergeMethod }) => mergeMethod === 'ties' });
    await settled();
    await compareButton().click();
    await expect
      .poll(() => rows().filter((row) => row.getAttribute('data-state') === 'done').length, {
        timeout: 60_000,
      })
      .toBe(rows().length);
    expect(lab.calls.filter(({ name }) => name === 'scoreRecipe')).toHaveLength(rows().length);
    await expect.element(panel().getByRole('img', { name: /highest mean/u })).toBeVisible();
    await panel().getByRole('button', { name: 'merge time' }).click();
    const header = panel().getByRole('columnheader', { name: 'merge time' });
    await expect.element(header).toHaveAttribute('aria-sort', 'ascending');
    const times = rows().map((row) => Number.parseInt(row.lastElementChild?.textContent ?? '', 10));
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    const evaluations = (): number =>
      lab.calls.filter(({ name, request }) => name === 'evaluate' && request?.slot === 'merge')
        .length;
    const before = evaluations();
    await page.getByRole('button', { name: 'Open TIES in the lab' }).click();
    await expect
      .element(page.getByRole('combobox', { name: 'Merging method' }))
      .toHaveValue('ties');
    await settled();
    expect(lab.calls.findLast(({ name }) => name === 'merge')?.recipe?.mergeMethod).toBe('ties');
    // Its scores were kept, so that nothing is run again.
    expect(evaluations()).toBe(before);
  });

  it('makes way for a slider and goes on after it, and stops when told to', async () => {
    const lab = await open({ itemMs: 20 });
    await settled();
    await compareButton().click();
    await expect
      .poll(() => lab.calls.some(({ name }) => name === 'scoreRecipe'), { timeout: 60_000 })
      .toBe(true);
    await page.getByRole('button', { name: 'Set all to 1', exact: true }).click();
    await expect.element(panel()).toHaveTextContent('waits until the lab is done');
    const first = lab.calls.find(({ name }) => name === 'scoreRecipe');
    expect(first?.signal?.aborted).toBe(true);
    const callsBefore = lab.calls.filter(({ name }) => name === 'scoreRecipe').length;
    await settled();
    await expect
      .poll(() => lab.calls.filter(({ name }) => name === 'scoreRecipe').length, {
        timeout: 60_000,
      })
      .toBeGreaterThan(callsBefore);
    await panel().getByRole('button', { name: 'Stop comparing' }).click();
    await expect.element(panel()).toHaveAttribute('aria-busy', 'false');
    expect(rows().some((row) => row.getAttribute('data-state') === 'waiting')).toBe(true);
  });

  it('shows a method that fails as failed and measures the others', async () => {
    let count = 0;
    const failure = new LabError('recipe/bad-value', 'This density keeps nothing.');
    const lab = await open({
      // The first call is the page's own merge.
      failMerge: () => (++count === 2 ? failure : undefined),
    });
    await settled();
    await compareButton().click();
    await expect.element(panel()).toHaveTextContent('This density keeps nothing.');
    await expect
      .poll(() => lab.calls.filter(({ name }) => name === 'scoreRecipe').length, {
        timeout: 60_000,
      })
      .toBe(rows().length);
  });
});

describe('large models', () => {
  it('wait for the button', async () => {
    const large = { role: 'base' as const, title: 'b', dtype: 'bfloat16', parameterCount: 1.35e8 };
    const lab = await open({
      collection: {
        kind: 'zoo',
        base: { ...large, id: 'base', sizeBytes: 2.7e8 },
        specialists: [{ ...large, id: 'math', role: 'specialist', sizeBytes: 2.7e8 }],
        warnings: [],
      },
    });
    await settled();
    await page.getByRole('button', { name: 'Set all to 1', exact: true }).click();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const work = (): string[] =>
      lab.calls.map(({ name }) => name).filter((name) => name !== 'plan');
    expect(work()).toEqual([]);
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await expect.poll(work).toEqual(['merge']);
  });
});

describe('the address', () => {
  it('holds the set-up, and a page opened with it finds it again', async () => {
    await open();
    await page.getByRole('combobox', { name: 'Merging method' }).selectOptions('ties');
    await page.getByRole('spinbutton', { name: 'math coefficient value' }).fill('-0.75');
    await expect.poll(() => location.hash.startsWith('#r=')).toBe(true);
    await expect
      .poll(async () => JSON.stringify(await decodeState(location.hash.slice(3))))
      .toContain('-0.75');
    await open();
    await expect
      .poll(() => (slider('math').last().element() as HTMLInputElement).value)
      .toBe('-0.75');
    await expect
      .element(page.getByRole('combobox', { name: 'Merging method' }).last())
      .toHaveValue('ties');
  });

  it.each([
    ['garbage', () => Promise.resolve('#r=%%%'), 'damaged'],
    [
      'a coefficient that is no number',
      async () =>
        `#r=${await encodeState({
          recipe: {
            mergeMethod: 'ties',
            models: [{ model: 'math', parameters: { weight: Number.NaN } }],
          },
        })}`,
      'coefficient',
    ],
  ])('that is bad gives one sentence and the usual settings: %s', async (_, hash, word) => {
    history.replaceState(null, '', await hash());
    await open();
    await settled();
    await expect.element(page.getByRole('alert')).toHaveTextContent(word);
    expect(page.getByRole('alert').elements()).toHaveLength(1);
    expect((slider('math').element() as HTMLInputElement).value).toBe('0.4');
    expect(percent('math')).toBeGreaterThan(0);
  });
});

describe('replies', () => {
  it('come from merge, specialist and base, and can be cancelled', async () => {
    const lab = await open({ itemMs: 15 });
    await settled();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('What is 3 plus 4?');
    await page.getByRole('button', { name: 'Generate' }).click();
    const completion = page.getByRole('region', { name: 'Completion' });
    await expect.element(completion).toHaveTextContent('merge answers: 3 + 4 = 7');
    await expect
      .element(completion)
      .toHaveTextContent('base answers: 3 + 4 = 7 so the answer is 7');
    expect(
      lab.calls.filter(({ name }) => name === 'generate').map((call) => call.request?.slot),
    ).toEqual(['merge', 'instruction', 'base']);
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.element(completion).toHaveTextContent('stopped');
    expect(lab.calls.filter(({ name }) => name === 'generate').at(-1)?.signal?.aborted).toBe(true);
  });
});
