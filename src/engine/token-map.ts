import { LabError } from '../core/errors';
import { quoted } from '../formats/text';
import type { TokenizerSetting, TokenSource } from '../recipe/recipe';
import type { ModelVocabulary } from './model-vocabulary';

/** A row of some model's embedding; `model` counts the vocabularies. */
export interface TokenRow {
  readonly model: number;
  readonly row: number;
}

/** What stands for a token where a model lacks it: the mean of these rows, zeros when there are none. */
export type TokenOrigin = readonly TokenRow[];

/** How the rows of an aligned embedding come about. */
export interface TokenMap {
  /** Ids in use, from 0. */
  readonly tokenCount: number;
  /** Rows of the aligned tensors; those from `tokenCount` on hold the mean of the others. */
  readonly rowCount: number;
  /** Of each vocabulary: by new id, the model's own row, or -1 where `origins` decides. */
  readonly ownRows: readonly Int32Array[];
  /** By new id. Ids that no token has are absent: their rows are padding, too. */
  readonly origins: ReadonlyMap<number, TokenOrigin>;
  /** Whether some row is a mean of others, as padding is. */
  readonly hasMeans: boolean;
  /** Tokens that no model has. */
  readonly unknownTokens: readonly string[];
}

/**
 * Says for every token of the merge where its embedding comes from, as mergekit 0.1.4 does: a model
 * keeps its own row. A model that lacks the token, or all of them where the recipe forces it, take
 * the row that the recipe names; else that of the only model which has it, or of the base, or the
 * mean over those which have it; zeros if nobody has it.
 *
 * Two deviations: an id beyond a model's embedding counts as absent (mergekit fails), and an entry
 * of the recipe without a source follows the rule above (mergekit fails).
 *
 * @param ids of the merge's tokenizer
 * @param vocabularies the base's first
 * @param hasBase whether the recipe names a base
 * @throws LabError `recipe/bad-value`, `recipe/missing-model` for sources that do not exist
 */
export function mapTokens(
  ids: ReadonlyMap<string, number>,
  vocabularies: readonly ModelVocabulary[],
  hasBase: boolean,
  setting: TokenizerSetting,
): TokenMap {
  let tokenCount = 0;
  for (const id of ids.values()) tokenCount = Math.max(tokenCount, id + 1);
  const step = setting.padToMultipleOf ?? 1;
  const ownRows = vocabularies.map(() => new Int32Array(tokenCount).fill(-1));
  const origins = new Map<number, TokenOrigin>();
  const unknownTokens: string[] = [];
  for (const [token, id] of ids) {
    const having = vocabularies.flatMap((vocabulary, model) => {
      const row = vocabulary.ids.get(token);
      return row === undefined || row >= vocabulary.rowCount ? [] : [{ model, row }];
    });
    const entry = Object.hasOwn(setting.tokens, token) ? setting.tokens[token] : undefined;
    const isForced = entry?.force === true;
    if (!isForced) for (const { model, row } of having) ownRows[model]?.fill(row, id, id + 1);
    if (!isForced && having.length === vocabularies.length) continue;
    if (entry?.source !== undefined) {
      origins.set(id, originOf(token, entry.source, vocabularies));
      continue;
    }
    const ofBase = hasBase ? having.find(({ model }) => model === 0) : undefined;
    origins.set(id, ofBase === undefined ? having : [ofBase]);
    if (having.length === 0) unknownTokens.push(token);
  }
  const rowCount = Math.ceil(tokenCount / step) * step;
  const hasMeans = rowCount > ids.size || [...origins.values()].some(({ length }) => length > 1);
  return { tokenCount, rowCount, ownRows, origins, hasMeans, unknownTokens };
}

function originOf(
  token: string,
  source: TokenSource,
  vocabularies: readonly ModelVocabulary[],
): TokenOrigin {
  if (source.kind === 'zero') return [];
  const model = vocabularies.findIndex((vocabulary) => vocabulary.model.id === source.model);
  const vocabulary = vocabularies[model];
  if (vocabulary === undefined) {
    throw new LabError(
      'recipe/missing-model',
      `The token ${quoted(token)} takes its embedding from ${quoted(source.model)}, which the recipe does not merge; add that model or choose another source.`,
      { details: { token, model: source.model } },
    );
  }
  const wanted = source.kind === 'modelToken' ? source.token : token;
  const row = typeof wanted === 'number' ? wanted : vocabulary.ids.get(wanted);
  if (row !== undefined && Number.isSafeInteger(row) && row >= 0 && row < vocabulary.rowCount) {
    return [{ model, row }];
  }
  const shown = typeof wanted === 'number' ? `id ${wanted}` : quoted(wanted);
  throw new LabError(
    'recipe/bad-value',
    `The token ${quoted(token)} takes its embedding from ${shown} of ${quoted(source.model)}, which has no such token among its ${vocabulary.rowCount} rows; correct tokenizer.tokens.`,
    { details: { token, model: source.model } },
  );
}
