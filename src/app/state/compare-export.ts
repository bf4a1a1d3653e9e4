import { domainIds } from '../../eval/tasks/task';
import { writeRecipe } from '../../recipe/write-recipe';
import type { MeasuredRow } from './compare-columns';
import type { ScoreBoard, Selection } from './score-board.svelte';

/** The measured rows as a table for spreadsheets: RFC 4180, shares from 0 to 1, times in ms. */
export function compareCsv(rows: readonly MeasuredRow[], selection: Selection): string {
  const header = [
    ...['method', 'title', 'group', 'models'],
    ...domainIds.flatMap((domain) => [domain, `${domain}_low`, `${domain}_high`]),
    ...['mean', 'normalised_mean', 'forgetting', 'merge_ms'],
    ...['item_set', 'item_count', 'item_seed', 'dtype', 'device', 'recipe_hash'],
  ];
  const lines = measuredOnly(rows).map(({ row, metrics }) => [
    ...[row.method.id, row.method.title, row.method.family],
    (row.recipe?.models ?? []).map(({ model }) => model).join(' '),
    ...domainIds.flatMap((domain) => {
      const score = row.scores[domain];
      return [score?.score01, score?.low01, score?.high01];
    }),
    ...[metrics.mean01, metrics.normalised, metrics.forgetting01, row.mergeMs],
    ...[selection, itemCountOf(row), row.seed, row.dtype, row.device, row.recipeHash],
  ]);
  return [header, ...lines].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/** The same with recipes, counts and the scores of base and specialists. */
export function compareJson(
  rows: readonly MeasuredRow[],
  board: ScoreBoard,
  selection: Selection,
  specialists: readonly string[],
): string {
  const parents = ['base', ...specialists].map((slot) => ({
    model: slot,
    scores: board.sheetOf(slot, selection)?.scores ?? {},
  }));
  const merges = measuredOnly(rows).map(({ row, metrics }) => ({
    method: row.method.id,
    title: row.method.title,
    group: row.method.family,
    recipe: row.recipe === undefined ? '' : writeRecipe(row.recipe),
    recipeHash: row.recipeHash,
    scores: row.scores,
    ...metrics,
    mergeMs: row.mergeMs,
    itemSeed: row.seed,
    dtype: row.dtype,
    device: row.device,
  }));
  return `${JSON.stringify({ itemSet: selection, parents, merges }, undefined, 2)}\n`;
}

function measuredOnly(rows: readonly MeasuredRow[]): readonly MeasuredRow[] {
  return rows.filter(({ row }) => row.state === 'done');
}

function itemCountOf({ scores }: MeasuredRow['row']): number {
  return domainIds.reduce((sum, domain) => sum + (scores[domain]?.itemCount ?? 0), 0);
}

function csvCell(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'number' ? String(Number(value.toPrecision(6))) : value;
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
