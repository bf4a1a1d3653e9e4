import { isMap, isScalar, type Node } from 'yaml';
import { canonicalRecipe } from './canonical-recipe';
import { changeDocument, expandAliases } from './change-document';
import { parseRecipes } from './parse-recipe';
import type { Recipe } from './recipe';
import type { RecipeDocument } from './recipe-documents';
import { recipeChanges, type RecipeLayout, type YamlChange } from './recipe-changes';
import { spliceChange } from './splice-change';
import { printOptions, recipeKeys, writeRecipe } from './write-recipe';
import { nodeAt, pairOf } from './yaml-nodes';
import { readYaml, type YamlDocument } from './yaml-text';

/**
 * The text of a recipe, changed so that it says `recipe`. Comments, order and layout of what did not
 * change stay as the person wrote them. Unknown keys stay, too. Where anchors and aliases stand in
 * the way, they are written out; the result always says `recipe`.
 *
 * @param index of the document in a text of several
 * @throws LabError as `parseRecipes` when `text` cannot be read
 */
export function editRecipe(text: string, recipe: Recipe, index?: number): string {
  const lenient = { lenient: true };
  const before = parseRecipes(text, 'recipe', lenient);
  const document =
    index === undefined ? before.at(-1) : before.find((each) => each.index === index);
  if (document === undefined) return writeRecipe(recipe);
  const others = before.filter((each) => each !== document);
  for (const prepare of [(same: string) => same, withoutAliases]) {
    const edited = edit(prepare(text), document.index, document.recipe, recipe);
    if (says(edited, recipe, document.index, others)) return edited;
  }
  return replaceDocument(text, document.index, writeRecipe(recipe));
}

function edit(text: string, index: number, before: Recipe, after: Recipe): string {
  const root = contentsOf(text, index);
  const changes = root === undefined ? [] : recipeChanges(before, after, layoutOf(root));
  return changes.reduce((edited, change) => applied(edited, index, change), text);
}

function applied(text: string, index: number, change: YamlChange): string {
  const root = contentsOf(text, index);
  const spliced = root === undefined ? undefined : spliceChange(text, root, change);
  if (spliced !== undefined) return spliced;
  const documents = readYaml(text).documents;
  const document = documents[index];
  if (document === undefined) return text;
  changeDocument(document, change);
  return printed(documents, text);
}

function layoutOf(root: Node): RecipeLayout {
  const modules = nodeAt(root, ['modules']);
  const [module] = isMap(modules) ? modules.items : [];
  const key = isScalar(module?.key) ? String(module.key.value) : undefined;
  const inputsAt = key === undefined ? [] : ['modules', key];
  const parameters = nodeAt(root, [...inputsAt, 'parameters']);
  const names = key !== undefined && isMap(parameters) ? parameters.items : [];
  return {
    inputsAt,
    moduleParameters: new Set(names.map((pair) => String(isScalar(pair.key) && pair.key.value))),
    hasTokenizerSource: pairOf(root, 'tokenizer_source') !== undefined,
  };
}

/** Whether a text says the recipe, and the other documents what they said before. */
function says(
  text: string,
  recipe: Recipe,
  index: number,
  others: readonly RecipeDocument[],
): boolean {
  let documents: readonly RecipeDocument[];
  try {
    documents = parseRecipes(text, 'recipe', { lenient: true });
  } catch {
    return false;
  }
  const expected = [{ index, recipe }, ...others];
  return (
    documents.length === expected.length &&
    expected.every((each) => {
      const found = documents.find((document) => document.index === each.index);
      return found !== undefined && meaning(found.recipe) === meaning(each.recipe);
    })
  );
}

/** What a recipe says to the lab and to people. */
function meaning(recipe: Recipe): string {
  const { name, mergelab } = recipe;
  return JSON.stringify([recipeKeys(canonicalRecipe(recipe)), name, mergelab?.notes]);
}

function withoutAliases(text: string): string {
  const { documents } = readYaml(text);
  documents.forEach(expandAliases);
  return printed(documents, text);
}

function replaceDocument(text: string, index: number, recipe: string): string {
  const { documents } = readYaml(text);
  const texts = documents.map((document) => printed([document], text));
  texts[index] = index === 0 ? recipe : `---\n${recipe}`;
  return texts.join('');
}

/** The documents in the style of their text, as far as it can be told. */
function printed(documents: readonly YamlDocument[], text: string): string {
  const options = {
    ...printOptions,
    flowCollectionPadding: /[{[] /.test(text),
    indentSeq: !/^( *)\S.*:\s*\n\1- /m.test(text),
  };
  return documents.map((document) => document.toString(options)).join('');
}

function contentsOf(text: string, index: number): Node | undefined {
  return readYaml(text).documents[index]?.contents ?? undefined;
}
