/** What a value of a key looks like, for completion. */
export type KeyValueKind =
  | 'method'
  | 'model'
  | 'dtype'
  | 'switch'
  | 'text'
  | 'number'
  | 'tokenizerSource'
  | 'tokenSource'
  | 'list'
  | 'map'
  | 'choice';

export interface RecipeKey {
  /** One plain sentence for the editor. */
  readonly meaning: string;
  readonly value: KeyValueKind;
  /** The mapping that stands under the key, or that its list holds. */
  readonly within?: RecipePlaceKind;
  /** Of the kind `choice`. */
  readonly choices?: readonly string[];
}

/** The mappings of a recipe that have fixed keys. */
export type RecipePlaceKind =
  | 'recipe'
  | 'model'
  | 'slice'
  | 'source'
  | 'module'
  | 'condition'
  | 'modelReference'
  | 'modelPath'
  | 'tokenizer'
  | 'token'
  | 'tokenSource'
  | 'mergelab'
  /** Keys are parameter names. */
  | 'parameters'
  /** Keys are module names. */
  | 'modules'
  /** Keys are tokens. */
  | 'tokens';

type Keys = Readonly<Record<string, RecipeKey>>;

const parameters: RecipeKey = {
  meaning: 'Values for the method: one for all, a list along the layers, or one per filter.',
  value: 'map',
  within: 'parameters',
};

const models: RecipeKey = {
  meaning: 'The models to merge, all of their layers.',
  value: 'list',
  within: 'model',
};

const slices: RecipeKey = {
  meaning: 'The output’s layers in order, each run of them from named layers of the models.',
  value: 'list',
  within: 'slice',
};

const model: RecipeKey = {
  meaning: 'A zoo id, a folder or a Hub id: PATH[@REVISION][+ADAPTER[@REVISION]].',
  value: 'model',
  within: 'modelReference',
};

const baseModel: RecipeKey = {
  ...model,
  meaning: 'The model the others were tuned from; it also gives config and tokenizer.',
};

/** Every key of the dialect, by the mapping it stands in. */
export const recipeKeyTable: Readonly<Record<RecipePlaceKind, Keys>> = {
  recipe: {
    merge_method: { meaning: 'How the models are merged.', value: 'method' },
    base_model: baseModel,
    models,
    slices,
    modules: {
      meaning: 'Parts of a model with several modules; a language model has one.',
      value: 'map',
      within: 'modules',
    },
    parameters,
    dtype: {
      meaning: 'The dtype of the merged tensors, unless out_dtype differs.',
      value: 'dtype',
    },
    out_dtype: { meaning: 'The dtype of the written tensors.', value: 'dtype' },
    tokenizer: {
      meaning: 'Which tokenizer the merge gets, and where embeddings of its tokens come from.',
      value: 'map',
      within: 'tokenizer',
    },
    tokenizer_source: {
      meaning: 'Which tokenizer the merge gets; the short form of tokenizer.',
      value: 'tokenizerSource',
    },
    chat_template: {
      meaning: 'auto, the name of a built-in template, or a Jinja text.',
      value: 'choice',
      choices: ['auto', 'alpaca', 'chatml', 'exaone', 'llama3', 'mistral'],
    },
    name: {
      meaning: 'Names this document, so that later ones can use its result as a model.',
      value: 'text',
    },
    mergelab: {
      meaning: 'Settings that mergekit ignores: seed, granularity, notes.',
      value: 'map',
      within: 'mergelab',
    },
  },
  model: { model, parameters },
  slice: {
    sources: {
      meaning: 'The layers to merge into these layers of the output.',
      value: 'list',
      within: 'source',
    },
    base_model: { ...baseModel, meaning: 'Stands for the recipe’s base_model in this slice.' },
    parameters,
    residual_weight: { meaning: 'Accepted by mergekit but never used.', value: 'number' },
  },
  source: {
    model,
    layer_range: {
      meaning: 'First layer and the one after the last, such as [0, 16].',
      value: 'list',
    },
    parameters,
  },
  module: { models, slices, parameters },
  condition: {
    filter: {
      meaning: 'Part of a tensor’s name, such as self_attn; the value holds for these tensors.',
      value: 'text',
    },
    value: { meaning: 'One value, or a list along the layers.', value: 'number' },
  },
  modelReference: {
    model: {
      meaning: 'Path and revision of the model.',
      value: 'model',
      within: 'modelPath',
    },
    lora: { meaning: 'Path and revision of an adapter.', value: 'text', within: 'modelPath' },
    override_architecture: {
      meaning: 'Stands for the architecture that the model’s config names.',
      value: 'text',
    },
  },
  modelPath: {
    path: { meaning: 'A zoo id, a folder or a Hub id.', value: 'model' },
    revision: { meaning: 'A branch, tag or commit.', value: 'text' },
  },
  tokenizer: {
    source: {
      meaning: 'union of all vocabularies, base, or a model.',
      value: 'tokenizerSource',
      within: 'modelReference',
    },
    tokens: { meaning: 'Single tokens with their embeddings.', value: 'map', within: 'tokens' },
    pad_to_multiple_of: {
      meaning: 'Pads the embedding to a multiple of this many rows.',
      value: 'number',
    },
  },
  token: {
    source: {
      meaning: 'A model, {kind: zero}, or {kind: model_token, model, token}.',
      value: 'tokenSource',
      within: 'tokenSource',
    },
    force: { meaning: 'Replaces the rows of models that have the token, too.', value: 'switch' },
  },
  tokenSource: {
    kind: { meaning: 'zero or model_token.', value: 'choice', choices: ['zero', 'model_token'] },
    model,
    token: { meaning: 'The token whose row is taken.', value: 'text' },
    token_id: { meaning: 'The number of the row that is taken.', value: 'number' },
  },
  mergelab: {
    seed: { meaning: 'Seeds the random masks.', value: 'number' },
    granularity: {
      meaning: 'Thresholds per tensor, as in mergekit, or over the whole model.',
      value: 'choice',
      choices: ['tensor', 'model'],
    },
    random: {
      meaning: 'The lab’s own masks, or those of mergekit’s seeded generator.',
      value: 'choice',
      choices: ['lab', 'mergekit'],
    },
    notes: { meaning: 'A note for people.', value: 'text' },
  },
  parameters: {},
  modules: {},
  tokens: {},
};
