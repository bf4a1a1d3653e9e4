import axe from 'axe-core';
import { page, userEvent } from 'vitest/browser';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { render } from 'vitest-browser-svelte';
import App from '../../src/app/App.svelte';
import '../../src/app/styles/app.css';
import { LabError } from '../../src/core/errors';
import { encodeState, decodeState } from '../../src/recipe/url-codec';
import { finishedRun, goodToken, interruptedRun, ModelsLab } from './fixtures/models-lab';

// The picker of models, the runs and the storage panel alone, on a hand-made lab: what the page asks
// for and what it shows. Reading hubs, merging and storing are tested with the real lab elsewhere.

async function open(lab = new ModelsLab()): Promise<ModelsLab> {
  await render(App, { connect: () => Promise.resolve(lab) });
  await expect.element(page.getByRole('button', { name: 'Choose models' })).toBeVisible();
  return lab;
}

const dialog = () => page.getByRole('dialog', { name: 'Choose models' });
const tab = (name: string) => dialog().getByRole('tab', { name });
const chosen = () => dialog().getByRole('region', { name: 'Chosen models' });
const runs = () => page.getByRole('region', { name: 'Runs' });

async function openPicker(): Promise<void> {
  await page.getByRole('button', { name: 'Choose models' }).click();
  await expect.element(dialog()).toBeVisible();
}

/** Chooses the gated base and one specialist of it on the hub. */
async function chooseTwo(): Promise<void> {
  await openPicker();
  await tab('Hugging Face').click();
  const search = dialog().getByRole('searchbox', { name: 'Find a model' });
  await search.fill('google/gemma-2-2b');
  await dialog().getByRole('button', { name: 'Choose as base' }).click();
  await search.fill('gemma');
  await dialog()
    .getByRole('button', { name: /^MergeBench/u })
    .click();
  await dialog().getByRole('button', { name: 'Choose as specialist' }).click();
}

async function giveToken(): Promise<void> {
  await chosen().getByLabelText('Access token').fill(goodToken);
  await chosen().getByRole('button', { name: 'Use the token' }).click();
  await expect.element(chosen().getByText('These models fit together.')).toBeVisible();
}

/** Opens two large models, which merge as runs. */
async function openTwo(): Promise<void> {
  await chooseTwo();
  await giveToken();
  await chosen().getByRole('button', { name: 'Open these 2 models' }).click();
  await expect.element(dialog()).not.toBeInTheDocument();
}

beforeEach(() => {
  localStorage.clear();
  history.replaceState(null, '', location.pathname + location.search);
});

afterEach(() => {
  localStorage.clear();
});

describe('the picker of models', () => {
  it('says of a gated model what to do, takes a token, and plans before the button', async () => {
    const lab = await open();
    await chooseTwo();
    await expect.element(chosen().getByText('google/gemma-2-2b is gated:')).toBeVisible();
    const button = chosen().getByRole('button', { name: 'Open these 2 models' });
    await expect.element(button).toBeDisabled();
    const link = chosen().getByRole('link', { name: 'Open its page' });
    expect(link.element().getAttribute('href')).toBe('https://huggingface.co/google/gemma-2-2b');
    const field = chosen().getByLabelText('Access token');
    expect(field.element().getAttribute('type')).toBe('password');
    await giveToken();
    expect(lab.hub.token).toBe(goodToken);
    expect(JSON.stringify(localStorage)).not.toContain(goodToken);
    // 5.2 GB of each, of which 2.1 GB are here.
    await expect.element(chosen()).toHaveTextContent('To download 8.3 GB');
    await expect.element(chosen()).toHaveTextContent('Merged model 5.2 GB');
    await button.click();
    await expect.poll(() => lab.opened?.baseId).toBe('google/gemma-2-2b');
    await expect
      .element(page.getByRole('slider', { name: 'MergeBench/gemma-2-2b_math coefficient' }))
      .toBeVisible();
    await expect.poll(() => location.hash.startsWith('#r=')).toBe(true);
    const state = JSON.stringify(await decodeState(location.hash.slice(3)));
    expect(state).toContain('MergeBench/gemma-2-2b_math');
    expect(state).not.toContain(goodToken);
  });

  it('lays no part of it over another, however much is open', async () => {
    await page.viewport(1280, 700);
    await open();
    await chooseTwo();
    await dialog().getByText('Advanced').click();
    await dialog().getByText('Access to gated models').click();
    const answer = document.querySelector('.hub-answer');
    const below = answer?.nextElementSibling?.getBoundingClientRect().top;
    const ends = [...(answer?.children ?? [])].map((part) => part.getBoundingClientRect().bottom);
    expect(ends.length).toBeGreaterThan(0);
    expect(Math.max(...ends)).toBeLessThanOrEqual(below ?? 0);
  });

  it('keeps a token only when asked to, and forgets it', async () => {
    const lab = await open();
    await chooseTwo();
    await chosen().getByLabelText('Access token').fill(goodToken);
    await chosen().getByRole('checkbox', { name: 'Keep it in this browser' }).click();
    await chosen().getByRole('button', { name: 'Use the token' }).click();
    await expect.poll(() => localStorage.getItem('mergelab.hub')).toContain(goodToken);
    await dialog().getByText('Access to gated models').click();
    await dialog().getByRole('button', { name: 'Forget the token' }).click();
    await expect.poll(() => lab.hub.token).toBeUndefined();
    expect(localStorage.getItem('mergelab.hub')).toBeNull();
    await expect.element(chosen().getByText('google/gemma-2-2b is gated:')).toBeVisible();
  });

  it('refuses an address that must not get a token, and forgets the token for another hub', async () => {
    const lab = await open();
    await chooseTwo();
    await giveToken();
    await dialog().getByText('Advanced').click();
    const address = dialog().getByLabelText('Address of the hub');
    await address.fill('http://hub.example');
    await dialog().getByRole('button', { name: 'Use', exact: true }).click();
    await expect.element(dialog().getByRole('alert')).toHaveTextContent('must begin with https://');
    expect(lab.hub.token).toBe(goodToken);
    await address.fill('https://hub.example/');
    await dialog().getByRole('button', { name: 'Use', exact: true }).click();
    await expect.poll(() => lab.hub).toEqual({ endpoint: 'https://hub.example' });
  });

  it('stops models that do not fit, and says why', async () => {
    await open();
    await openPicker();
    await tab('Hugging Face').click();
    const search = dialog().getByRole('searchbox', { name: 'Find a model' });
    for (const [repo, role] of [
      ['MergeBench/gemma-2-2b_math', 'base'],
      ['org/other-model', 'specialist'],
    ] as const) {
      await search.fill(repo);
      await expect.element(dialog().getByRole('heading', { name: repo })).toBeVisible();
      await dialog()
        .getByRole('button', { name: `Choose as ${role}` })
        .click();
    }
    await expect.element(chosen()).toHaveTextContent('These models do not fit together.');
    await expect.element(chosen()).toHaveTextContent('26 and 28 layers');
    await expect
      .element(chosen().getByRole('button', { name: 'Open these 2 models' }))
      .toBeDisabled();
  });

  it('chooses a whole family, moves between tabs by keyboard, and says what is not there', async () => {
    const lab = await open();
    await openPicker();
    await dialog()
      .getByRole('button', { name: 'Choose MergeBench, Llama 3.2 3B', exact: true })
      .click();
    await expect.element(chosen()).toHaveTextContent('5 of up to 12 specialists');
    tab('Ready-made').element().focus();
    await userEvent.keyboard('{ArrowRight}');
    await expect.element(tab('Hugging Face')).toHaveFocus();
    await expect.element(tab('Hugging Face')).toHaveAttribute('aria-selected', 'true');
    await dialog().getByRole('searchbox', { name: 'Find a model' }).fill('nobody/knows');
    await expect.element(dialog()).toHaveTextContent('has no model nobody/knows');
    expect(lab.asked).toContain('describe nobody/knows@main');
  });

  it('takes dropped files', async () => {
    await open();
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(8)], 'mine.safetensors'));
    globalThis.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    await expect.element(chosen()).toHaveTextContent('mine');
    await expect.element(tab('This computer')).toHaveAttribute('aria-selected', 'true');
  });

  it('offers the models of a link and reads nothing of them before it is asked to', async () => {
    const hub = {
      base: 'org/base',
      models: [
        { id: 'org/base', repo: 'org/base', revision: 'main' },
        { id: 'MergeBench/gemma-2-2b_math', repo: 'MergeBench/gemma-2-2b_math', revision: 'v2' },
      ],
    };
    const recipe = {
      mergeMethod: 'ties',
      baseModel: 'org/base',
      models: [{ model: 'MergeBench/gemma-2-2b_math', parameters: { weight: 0.7 } }],
      parameters: {},
    };
    history.replaceState(
      null,
      '',
      `#r=${await encodeState({ recipe, collection: 'folders', hub })}`,
    );
    const lab = await open();
    await expect.element(page.getByText('This link was made with')).toBeVisible();
    expect(page.getByRole('alert').elements()).toHaveLength(0);
    expect(lab.asked).toEqual([]);
    await page.getByRole('button', { name: 'See size and open' }).click();
    await expect.element(chosen()).toHaveTextContent('10.4 GB in all');
    expect(lab.asked).toContain('describe MergeBench/gemma-2-2b_math@v2');
    await chosen().getByRole('button', { name: 'Open these 2 models' }).click();
    const slider = page.getByRole('slider', { name: 'MergeBench/gemma-2-2b_math coefficient' });
    await expect.element(slider).toHaveValue('0.7');
    await expect
      .element(page.getByRole('combobox', { name: 'Merging method' }))
      .toHaveValue('ties');
    await expect.element(page.getByText('This link was made with')).not.toBeInTheDocument();
  });
});

describe('runs', () => {
  it('start with the button Merge, as their settings say', async () => {
    const lab = await open();
    await openTwo();
    await page.getByText('Result:').click();
    await page.getByRole('combobox', { name: 'Result' }).selectOptions('q8');
    await page.getByRole('combobox', { name: 'Downloaded weights' }).selectOptions('stream');
    await page.getByRole('spinbutton', { name: 'Most memory' }).fill('0.1');
    await userEvent.tab();
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await expect.poll(() => lab.started).toHaveLength(1);
    expect(lab.started[0]).toMatchObject({
      output: 'q8',
      to: 'store',
      caching: 'stream',
      budgetBytes: 0.5 * 2 ** 30,
    });
    expect(lab.started[0]?.recipeText).toContain('merge_method: task_arithmetic');
    expect(lab.started[0]?.models.map(({ id }) => id)).toEqual([
      'google/gemma-2-2b',
      'MergeBench/gemma-2-2b_math',
    ]);
    await expect.element(runs().getByRole('progressbar')).toHaveAttribute('max', '5200000000');
    await expect.element(runs()).toHaveTextContent('1.3 GB of 5.2 GB · 210 MB a second');
    await expect.element(page.getByRole('status').first()).toHaveTextContent('you may leave');
    expect(lab.calls.filter(({ name }) => name === 'merge').at(-1)?.recipe?.baseModel).toBe('base');
  });

  it('ask for a new zip for each run, and for none when the person closes the dialog', async () => {
    const lab = await open();
    await openTwo();
    const root = await navigator.storage.getDirectory();
    const asked: string[] = [];
    const saving = vi.fn(async ({ suggestedName }: { suggestedName: string }) => {
      asked.push(suggestedName);
      if (asked.length === 1) throw new DOMException('closed', 'AbortError');
      return root.getFileHandle(suggestedName, { create: true });
    });
    vi.stubGlobal('showSaveFilePicker', saving);
    await page.getByText('Result:').click();
    await page.getByRole('button', { name: 'A zip file' }).click();
    await expect.element(page.getByText('to a zip file')).toBeVisible();
    const merge = page.getByRole('button', { name: 'Merge', exact: true });
    await merge.click();
    await expect.poll(() => asked).toHaveLength(1);
    await merge.click();
    await expect.poll(() => lab.started).toHaveLength(1);
    const name = 'Task-arithmetic-google-gemma-2-2b-with-1-specialist.zip';
    expect(asked).toEqual([name, name]);
    expect(lab.started[0]?.to).toMatchObject({ kind: 'file', name });
    expect(page.getByRole('alert').elements()).toHaveLength(0);
    await root.removeEntry(name);
    vi.unstubAllGlobals();
  });

  it('tell of a zip that is not whole, and of a download what it needs', async () => {
    const lab = new ModelsLab();
    lab.list = [
      { ...interruptedRun, writtenTo: { kind: 'zip', name: 'both.zip' } },
      { ...finishedRun, state: 'running', writtenTo: { kind: 'download', name: 'it.zip' } },
    ];
    await open(lab);
    await expect.element(runs()).toHaveTextContent('both.zip is not a whole zip yet');
    await expect.element(runs()).toHaveTextContent('Keep this page open until the download');
    expect(
      runs()
        .getByRole('button', { name: /^Pause/u })
        .elements(),
    ).toEqual([]);
  });

  it('show in the bar that is always in sight, are set aside there, and tell of their end', async () => {
    const lab = await open();
    await openTwo();
    // What the zoo's merge cost says nothing about these models.
    await expect.element(page.getByText('No merge yet.')).toBeVisible();
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    const bar = page.getByRole('region', { name: 'Activity' });
    const progress = bar.getByRole('progressbar', { name: 'Progress', exact: true });
    await expect.element(progress).toHaveAttribute('max', '5200000000');
    await expect.element(bar).toHaveTextContent('1.3 GB of 5.2 GB');
    await bar.getByRole('button', { name: 'Cancel' }).click();
    await expect.element(runs().getByText('paused', { exact: true })).toBeVisible();
    await expect.element(bar).toHaveTextContent('is paused; resume or cancel it under Runs');
    await expect.element(bar.getByRole('button', { name: 'Cancel' })).toBeDisabled();
    await runs()
      .getByRole('button', { name: /^Resume/u })
      .click();
    await expect.element(bar.getByRole('button', { name: 'Cancel' })).toBeEnabled();
    lab.show(lab.list.map((run) => ({ ...run, state: 'done' })));
    await expect.element(bar.getByRole('status')).toHaveTextContent('is finished; find it under');
  });

  it('are cancelled in the bar when their download cannot be paused', async () => {
    const lab = new ModelsLab();
    const writtenTo = { kind: 'download', name: 'it.zip' } as const;
    lab.list = [{ ...finishedRun, state: 'running', writtenTo }];
    await open(lab);
    const bar = page.getByRole('region', { name: 'Activity' });
    await expect.element(bar).toHaveTextContent(finishedRun.title);
    // What the page does at first is cancelled by the same button, so that it may take two.
    const cancelled = async (): Promise<string | undefined> => {
      if (lab.list[0]?.state === 'running') {
        await bar.getByRole('button', { name: 'Cancel' }).click();
      }
      return lab.list[0]?.state;
    };
    await expect.poll(cancelled).toBe('cancelled');
    await expect.element(runs().getByText('cancelled', { exact: true })).toBeVisible();
    await expect
      .element(bar.getByRole('status'))
      .toHaveTextContent(`${finishedRun.title} was cancelled; its download was given up.`);
    expect(lab.list.map(({ state }) => state)).toEqual(['cancelled']);
    await expect.element(bar.getByRole('button', { name: 'Cancel' })).toBeDisabled();
  });

  it('that fail to be resumed say so in the bar', async () => {
    const lab = new ModelsLab();
    lab.list = [interruptedRun];
    lab.resumeRun = () => Promise.reject(new LabError('store/quota', 'No room; delete something.'));
    await open(lab);
    await runs()
      .getByRole('button', { name: /^Resume/u })
      .click();
    const bar = page.getByRole('region', { name: 'Activity' });
    await expect.element(bar.getByRole('alert')).toHaveTextContent('No room; delete something.');
  });

  it('offer a way out when the result does not fit', async () => {
    const lab = new ModelsLab();
    lab.freeBytes = 1e9;
    lab.quotaBytes = 3.1e9;
    await open(lab);
    await openTwo();
    const note = page.getByText('The result takes about 5.2 GB');
    await expect.element(note).toBeVisible();
    await page.getByRole('button', { name: /^Make it 4-bit/u }).click();
    await expect.element(page.getByText('Result: 4-bit')).toBeVisible();
  });

  it('are paused, resumed, renamed, run again, used and deleted', async () => {
    const lab = new ModelsLab();
    lab.list = [finishedRun, interruptedRun];
    await open(lab);
    await expect.element(runs()).toHaveTextContent('press Resume');
    const names = (): (string | null)[] =>
      runs()
        .getByRole('listitem')
        .elements()
        .map((item) => item.getAttribute('aria-label'))
        .filter((name) => name !== null);
    expect(names()).toEqual([interruptedRun.title, finishedRun.title]);
    const button = (word: string, title = finishedRun.title) =>
      runs().getByRole('button', { name: `${word} ${title}`, exact: true });
    await button('Resume', interruptedRun.title).click();
    await button('Pause', interruptedRun.title).click();
    await expect.element(runs().getByText('paused')).toBeVisible();

    await button('Re-run').click();
    await expect.poll(() => lab.asked).toContain('repeat run-done');

    await button('Rename').click();
    const field = runs().getByRole('textbox', { name: 'Title of the run' });
    await field.fill('Best so far');
    await userEvent.keyboard('{Enter}');
    await expect.element(button('Export', 'Best so far')).toBeVisible();
    await expect.element(button('Rename', 'Best so far')).toHaveFocus();

    await button('Use as model', 'Best so far').click();
    await expect.element(chosen()).toHaveTextContent('Best-so-far');
    await dialog().getByRole('button', { name: 'Close' }).click();

    await button('Delete …', 'Best so far').click();
    await button('Delete', 'Best so far').click();
    await expect.poll(names).toEqual([interruptedRun.title]);
    await button('Delete …', interruptedRun.title).click();
    await button('Delete', interruptedRun.title).click();
    await expect.poll(names).toEqual([]);
    await expect.element(page.getByText('store/lost')).not.toBeInTheDocument();
  });

  it('that the browser dropped are named, once', async () => {
    const lab = new ModelsLab();
    lab.list = [finishedRun, interruptedRun];
    await open(lab);
    await expect.element(runs()).toHaveTextContent('2 runs');
    lab.show([]);
    const loss = page.getByRole('alert').filter({ hasText: 'store/lost' });
    await expect
      .element(loss)
      .toHaveTextContent(`with 2 runs (${interruptedRun.title}, ${finishedRun.title}).`);
    await loss.getByRole('button', { name: 'Dismiss' }).click();
    lab.show([finishedRun]);
    await expect.element(runs()).toHaveTextContent('1 run');
    lab.storageDetails = () => Promise.reject(new Error('no room to open the database'));
    lab.show([]);
    const denied = page.getByRole('alert').filter({ hasText: 'store/denied' });
    await expect.element(denied).toHaveTextContent(`1 run (${finishedRun.title}) with it.`);
    await denied.getByRole('button', { name: 'Dismiss' }).click();
    localStorage.clear();
    lab.show([]);
    await expect.element(runs()).toHaveTextContent('Merges of large models run here');
    await expect.element(page.getByText('store/lost')).not.toBeInTheDocument();
  });

  it('are tried: scored, and asked', async () => {
    const lab = new ModelsLab();
    lab.list = [finishedRun];
    await open(lab);
    await runs()
      .getByRole('button', { name: `Try ${finishedRun.title}` })
      .click();
    await runs()
      .getByRole('button', { name: `Score ${finishedRun.title}` })
      .click();
    await expect.element(runs().getByRole('row', { name: /^math/u })).toBeVisible();
    await runs().getByRole('textbox', { name: 'Ask it' }).fill('What is 3 + 4?');
    await runs().getByRole('button', { name: 'Write a reply' }).click();
    await expect
      .element(runs().getByText('stored:run/run-done answers: 3 + 4 = 7 so the answer is 7'))
      .toBeVisible();
    expect(lab.calls.some(({ request }) => request?.slot === 'stored:run/run-done')).toBe(true);
  });

  it('are pushed to the hub in the name of who signed in', async () => {
    const lab = new ModelsLab();
    lab.list = [finishedRun];
    await open(lab);
    await runs()
      .getByRole('button', { name: /^Push to the Hub/u })
      .click();
    await runs().getByLabelText('Access token').fill(goodToken);
    await runs().getByRole('button', { name: 'Use the token' }).click();
    await runs()
      .getByLabelText(/^Name on/u)
      .fill('me/merged');
    await runs().getByRole('button', { name: 'Upload' }).click();
    await expect
      .element(runs().getByRole('link', { name: 'https://hub.example/me/merged' }))
      .toBeVisible();
    expect(lab.asked).toContain('push run-done to me/merged with the token');
  });

  it('of other tabs are shown as such', async () => {
    const lab = new ModelsLab();
    lab.list = [{ ...interruptedRun, state: 'running', isElsewhere: true }];
    await open(lab);
    await expect.element(runs()).toHaveTextContent('running in another tab');
    expect(
      runs()
        .getByRole('button', { name: /^Pause|^Cancel|^Delete/u })
        .elements(),
    ).toEqual([]);
  });
});

describe('the storage panel', () => {
  it('lists what is kept, pins, deletes, and tells what the browser promised', async () => {
    const lab = await open();
    await page.getByRole('button', { name: 'Storage' }).click();
    const list = page.getByRole('list', { name: 'Stored models' });
    await expect.element(list).toHaveTextContent('partial: 5.2 GB in all');
    const pin = page.getByRole('button', { name: 'Pin google/gemma-2-2b' });
    await pin.click();
    await expect.element(pin).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('button', { name: 'Delete google/gemma-2-2b', exact: true }).click();
    await page.getByRole('button', { name: 'Delete google/gemma-2-2b now' }).click();
    await expect.poll(() => lab.stored.map(({ id }) => id)).toEqual(['zoo/base']);
    await expect.element(page.getByRole('button', { name: 'Delete base' })).toBeDisabled();
    await page.getByRole('button', { name: 'Ask it not to' }).click();
    await expect.element(page.getByText('The browser did not promise it.')).toBeVisible();
  });
});

describe('axe finds nothing and nothing scrolls sideways', () => {
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

  async function check(width: number): Promise<void> {
    for (const details of document.querySelectorAll('details')) details.open = true;
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    const { violations } = await axe.run(document.querySelector('dialog[open]') ?? document, {
      runOnly: rules,
    });
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    ).toEqual([]);
  }

  it.each([
    ['light', 1280],
    ['dark', 390],
  ])('%s, %i px', async (theme, width) => {
    document.documentElement.lang = 'en';
    document.title = 'MergeLab';
    document.documentElement.dataset['theme'] = theme;
    await page.viewport(width, 860);
    const lab = new ModelsLab();
    lab.list = [finishedRun, interruptedRun];
    await open(lab);
    await openPicker();
    await check(width);
    await dialog().getByRole('button', { name: 'Close' }).click();
    await chooseTwo();
    await expect.element(chosen().getByText('google/gemma-2-2b is gated:')).toBeVisible();
    await check(width);
    await tab('This computer').click();
    await check(width);
    await giveToken();
    await chosen().getByRole('button', { name: 'Open these 2 models' }).click();
    await expect.element(page.getByText('Result:')).toBeVisible();
    await runs()
      .getByRole('button', { name: /^Push to the Hub/u })
      .first()
      .click();
    await check(width);
    await page.getByRole('button', { name: 'Storage' }).click();
    await expect.element(page.getByRole('list', { name: 'Stored models' })).toBeVisible();
    await check(width);
  });
});
