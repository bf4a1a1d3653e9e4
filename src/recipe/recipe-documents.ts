import type { Located } from './located';
import { nearestName } from './nearest-name';
import type { ProblemList, Span } from './problem';
import type { Reading } from './reading';
import type { Recipe } from './recipe';

/** One recipe of a text that may hold several. */
export interface RecipeDocument {
  readonly recipe: Recipe;
  /** Place among the documents of the text, from 0. */
  readonly index: number;
  /** Names of the documents whose results it merges. */
  readonly uses: readonly string[];
}

/** A document as it was read. */
export interface ReadDocument {
  readonly index: number;
  readonly root: Located;
  readonly recipe: Recipe | undefined;
  readonly references: Reading['references'];
}

/**
 * Puts documents in an order in which each uses only earlier ones, otherwise that of the text; the
 * final, unnamed one comes last. Names that stand twice, several unnamed documents and circles are
 * reported; what takes part in a circle is left out.
 */
export function orderDocuments(
  documents: readonly ReadDocument[],
  problems: ProblemList,
): RecipeDocument[] {
  const names = checkedNames(documents, problems);
  const open = documents.flatMap(({ recipe, index, root, references }) => {
    const uses = new Set(references.map(({ path }) => path).filter((path) => names.has(path)));
    return recipe === undefined ? [] : [{ recipe, index, uses: [...uses], root, references }];
  });
  open.sort((left, right) => Number(!left.recipe.name) - Number(!right.recipe.name));
  const ordered: RecipeDocument[] = [];
  const made = new Set<string>();
  while (open.length > 0) {
    const next = open.findIndex(({ uses }) => uses.every((name) => made.has(name)));
    const [document] = open.splice(Math.max(next, 0), 1);
    if (document === undefined) break;
    const { recipe, index, uses, root, references } = document;
    if (next < 0) {
      const reference = references.find(({ path }) => uses.includes(path) && !made.has(path));
      const sentence = `${recipe.name ?? 'this document'} uses ${reference?.path ?? 'itself'}, but that cannot be made before it. Name another model there.`;
      problems.error('recipe/bad-value', reference?.span ?? root, sentence);
    } else {
      ordered.push({ recipe, index, uses });
    }
    if (recipe.name !== undefined) made.add(recipe.name);
  }
  return ordered;
}

function checkedNames(documents: readonly ReadDocument[], problems: ProblemList): Set<string> {
  const names = new Set<string>();
  let unnamed: Span | undefined;
  for (const { recipe, root } of documents) {
    if (recipe === undefined) continue;
    const { name } = recipe;
    const span = nameSpan(root);
    if (name === undefined) {
      if (unnamed !== undefined) {
        const sentence =
          'only one document may be without a name, the final one. Add a name to this or to the other.';
        problems.error('recipe/bad-value', span, sentence);
      }
      unnamed = span;
    } else if (names.has(name)) {
      const sentence = `the name ${name} stands for an earlier document. Choose another.`;
      problems.error('recipe/bad-value', span, sentence);
    } else {
      names.add(name);
    }
  }
  return names;
}

function nameSpan(root: Located): Span {
  const name = root.kind === 'map' ? root.entries.find(({ key }) => key === 'name') : undefined;
  return name?.value ?? { from: root.from, to: root.from + 1 };
}

/**
 * Reports references that are no document, though one has nearly that name, and, where the models at
 * hand are listed, those that are none of them. Paths with a slash are left to whoever opens them.
 */
export function checkReferences(
  documents: readonly ReadDocument[],
  models: readonly string[] | undefined,
  problems: ProblemList,
): void {
  const names = documents.flatMap(({ recipe }) => recipe?.name ?? []);
  const fixed = ['union', 'base'];
  for (const { path, span } of documents.flatMap(({ references }) => references)) {
    if (names.includes(path) || fixed.includes(path) || /[/\\]/.test(path)) continue;
    if (models?.includes(path) === true) continue;
    // Names of three letters are near everything.
    const meant = path.length > 3 ? nearestName(path, [...names, ...(models ?? [])]) : undefined;
    if (models !== undefined) {
      const remedy =
        meant === undefined ? `Known are ${[...names, ...models].join(', ')}.` : `Use ${meant}.`;
      problems.error('recipe/missing-model', span, `there is no model ${path}. ${remedy}`);
    } else if (meant !== undefined) {
      const sentence = `no document is named ${path}, but one is named ${meant}. Correct it if that is meant.`;
      problems.warning('recipe/missing-model', span, sentence);
    }
  }
}
