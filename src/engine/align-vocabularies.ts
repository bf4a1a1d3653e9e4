import { stripTokens, tokenIds, type TokenizerJson } from '../formats/tokenizer-json';
import { quoted } from '../formats/text';
import type { Recipe, TokenizerSetting } from '../recipe/recipe';
import { missingFile } from '../sources/read-range';
import { AlignedCheckpoint, type VocabularyTensor } from './aligned-embeddings';
import { readConfig } from './compare-configs';
import type { Finding } from './finding';
import { inputOf, type ModelInput, type ModelInputs } from './model-input';
import { readTokenizer, vocabularyOf, type ModelVocabulary } from './model-vocabulary';
import { changedConfigText, overlayFiles } from './overlay-files';
import { mergedModels, tokenizerModel } from './recipe-models';
import { mapTokens, type TokenMap } from './token-map';
import { tokenizerFiles } from './tokenizer-files';
import { unionTokenizer, withWords } from './union-tokenizer';
import { vocabularyTensors } from './vocabulary-tensors';

/** Inputs made ready for planning, and what a person should know of it. */
export interface PreparedInputs {
  readonly inputs: ModelInputs;
  readonly findings: readonly Finding[];
}

/**
 * Carries out a recipe's `tokenizer`: builds the merge's tokenizer and gives every merged model that
 * tokenizer, an embedding and a head with its rows, and a config that says so. Then the models can be
 * merged like any others. Without the setting the inputs come back as they are.
 *
 * A head that only some models have of their own is given to all of them, from their embeddings. The
 * models of all slices lend each other rows; mergekit 0.1.4 asks those of the first or last slice
 * only, and fails when the base is not among them.
 *
 * @throws LabError `source/missing-file` when the base has no `tokenizer.json`; `format/bad-tokenizer`,
 * `recipe/missing-model`, `recipe/bad-value`, `recipe/shape-mismatch`
 */
export async function alignVocabularies(
  recipe: Recipe,
  inputs: ModelInputs,
  signal?: AbortSignal,
): Promise<PreparedInputs> {
  const setting = recipe.tokenizer;
  if (setting === undefined) return { inputs, findings: [] };
  const models = mergedModels(recipe).map((id) => inputOf(inputs, id));
  const { vocabularies, findings } = await vocabulariesOf(models, signal);
  const made = await makeTokenizer(recipe, setting, vocabularies, inputs, signal);
  const ids = tokenIds(made.tokenizer);
  const map = mapTokens(ids, vocabularies, recipe.baseModel !== undefined, setting);
  const statesDtype = recipe.dtype !== undefined || recipe.outDtype !== undefined;
  const tensors = await vocabularyTensors(models, map, statesDtype, signal);
  const files = await tokenizerFiles(made.tokenizer, made.source.files, made.original, signal);
  const specialIds =
    tokenizerModel(recipe) === undefined ? {} : await specialIdsOf(made.source, signal);
  if (tokenizerModel(recipe) !== undefined) {
    files.set('generation_config.json', made.source.files.files.get('generation_config.json'));
  }
  const aligned = new Map(inputs);
  for (const [place, model] of models.entries()) {
    const own = new Map<string, VocabularyTensor>();
    for (const { names, tensor } of tensors) own.set(names[place] ?? '', tensor);
    const tiesEmbeddings = tensors.length > 1 ? { tiesEmbeddings: false } : {};
    const config = await changedConfigText(
      model,
      { vocabularySize: map.rowCount, ...tiesEmbeddings },
      specialIds,
      signal,
    );
    aligned.set(model.id, {
      id: model.id,
      files: overlayFiles(model.files, new Map([...files, ['config.json', config]])),
      checkpoint: new AlignedCheckpoint(model.checkpoint, place, map, own),
      contentHash: model.contentHash,
    });
  }
  return {
    inputs: aligned,
    findings: [...findings, ...vocabularies.slice(0, 1).flatMap((base) => mapFindings(map, base))],
  };
}

/** Models without a tokenizer are taken to have the base's, as in mergekit. */
async function vocabulariesOf(
  models: readonly ModelInput[],
  signal: AbortSignal | undefined,
): Promise<{ vocabularies: ModelVocabulary[]; findings: Finding[] }> {
  const [base] = models;
  const baseTokenizer = base && (await readTokenizer(base, signal));
  if (base === undefined || baseTokenizer === undefined) {
    throw missingFile(base?.id ?? '', 'tokenizer.json, which the recipe’s tokenizer setting needs');
  }
  const vocabularies: ModelVocabulary[] = [];
  const findings: Finding[] = [];
  for (const model of models) {
    const own = await readTokenizer(model, signal);
    if (own === undefined) {
      findings.push({
        severity: 'warning',
        code: 'source/missing-file',
        sentence: `${quoted(model.id)} has no tokenizer.json, so it is taken to have that of ${quoted(base.id)}; add the file if it has another.`,
        models: [model.id],
      });
    }
    vocabularies.push(await vocabularyOf(model, own ?? baseTokenizer, signal));
  }
  return { vocabularies, findings };
}

interface MadeTokenizer {
  readonly tokenizer: TokenizerJson;
  /** The model whose tokenizer it grew from, and that tokenizer. */
  readonly source: ModelInput;
  readonly original: TokenizerJson;
}

async function makeTokenizer(
  recipe: Recipe,
  setting: TokenizerSetting,
  vocabularies: readonly ModelVocabulary[],
  inputs: ModelInputs,
  signal: AbortSignal | undefined,
): Promise<MadeTokenizer> {
  const words = Object.keys(setting.tokens);
  const wanted = tokenizerModel(recipe);
  if (wanted !== undefined) {
    const source = inputOf(inputs, wanted);
    const original = await readTokenizer(source, signal);
    if (original === undefined) throw missingFile(wanted, 'tokenizer.json');
    return { tokenizer: withWords(original, words), source, original };
  }
  const [base, ...others] = vocabularies;
  if (base === undefined) throw missingFile('', 'tokenizer.json');
  const stripped = stripTokens(base.tokenizer, base.rowCount);
  const all = [{ tokenizer: stripped, rowCount: base.rowCount }, ...others];
  const tokenizer = setting.source === 'union' ? unionTokenizer(all) : stripped;
  return {
    tokenizer: withWords(tokenizer, words),
    source: base.model,
    original: base.tokenizer,
  };
}

/** Ids that a config states belong to its tokenizer. */
async function specialIdsOf(
  source: ModelInput,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>> {
  const config = (await readConfig(source, signal)) ?? {};
  const keys = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((key) =>
    Object.hasOwn(config, key),
  );
  return Object.fromEntries(keys.map((key) => [key, config[key]]));
}

/** Shown of a list of tokens that can be long. */
const maxShownTokens = 5;

function mapFindings(map: TokenMap, { model, rowCount }: ModelVocabulary): Finding[] {
  const findings: Finding[] = [];
  const { unknownTokens } = map;
  if (unknownTokens.length > 0) {
    const shown = unknownTokens.slice(0, maxShownTokens).map(quoted).join(', ');
    const more = unknownTokens.length > maxShownTokens ? ', …' : '';
    findings.push({
      severity: 'warning',
      code: 'recipe/shape-mismatch',
      sentence: `No model has an embedding for ${unknownTokens.length} of the tokens (${shown}${more}), so theirs are zeros; name a source under tokenizer.tokens.`,
      models: [],
    });
  }
  if (map.rowCount < rowCount) {
    findings.push({
      severity: 'warning',
      code: 'recipe/shape-mismatch',
      sentence: `The embedding of ${quoted(model.id)} has ${rowCount} rows for ${map.tokenCount} tokens, and the merge keeps ${map.rowCount}; set tokenizer.pad_to_multiple_of if your hardware wants more.`,
      models: [model.id],
    });
  }
  return findings;
}
