import fc from 'fast-check';
import type {
  ConditionalValue,
  Recipe,
  RecipeModel,
  RecipeSlice,
  Setting,
  TokenizerSetting,
} from '../../../src/recipe/recipe';

/** Arbitrary recipes over the whole dialect, as `parseRecipe` could have read them. */
const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
const model = fc.oneof(
  fc.constantFrom(
    'math',
    'coding',
    'yes',
    'n',
    '1e3',
    '12',
    'org/model',
    'org/model@v1',
    'a+b@main',
  ),
  fc.constant('{"model":{"path":"a+b"},"override_architecture":"LlamaForCausalLM"}'),
  word,
);
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })
  .map((value) => value + 0);
const gradient = fc.array(number, { minLength: 1, maxLength: 4 });
const condition: fc.Arbitrary<ConditionalValue> = fc.record(
  {
    filter: fc.constantFrom('mlp', 'self_attn', 'layers.2.', ': #'),
    value: fc.oneof(number, gradient),
  },
  { requiredKeys: ['value'] },
);
const setting: fc.Arbitrary<Setting> = fc.oneof(
  number,
  fc.boolean(),
  gradient,
  fc.array(condition, { minLength: 1, maxLength: 3 }),
);
const settings = fc.dictionary(
  fc.constantFrom('weight', 'density', 'lambda', 'normalize', 't', 'yes', '12'),
  setting,
  { maxKeys: 3, noNullPrototype: true },
);
const entry: fc.Arbitrary<RecipeModel> = fc.record({ model, parameters: settings });
const slice: fc.Arbitrary<RecipeSlice> = fc
  .tuple(
    fc.nat(30),
    fc.nat(9),
    fc.array(entry, { minLength: 1, maxLength: 3 }),
    settings,
    model,
    fc.boolean(),
  )
  .map(([start, length, entries, parameters, baseModel, hasBase]) => ({
    sources: entries.map((each, at) => ({
      ...each,
      layerRange: [start + at, start + at + length] as const,
    })),
    ...(hasBase ? { baseModel } : {}),
    parameters,
  }));
const tokenizer: fc.Arbitrary<TokenizerSetting> = fc.record(
  {
    source: fc.oneof(fc.constantFrom('union', 'base'), model),
    tokens: fc.dictionary(
      fc.constantFrom('<|im_start|>', 'yes', ': ', '\u00e9'),
      fc.record(
        {
          source: fc.oneof(
            fc.constant({ kind: 'zero' as const }),
            model.map((name) => ({ kind: 'model' as const, model: name })),
            fc.record({
              kind: fc.constant('modelToken' as const),
              model,
              token: fc.oneof(fc.nat(60_000), fc.constantFrom('<s>', 'on', '7')),
            }),
          ),
          force: fc.boolean(),
        },
        { requiredKeys: ['force'] },
      ),
      { maxKeys: 2, noNullPrototype: true },
    ),
    padToMultipleOf: fc.integer({ min: 1, max: 64 }),
  },
  { requiredKeys: ['source', 'tokens'] },
);

const inputs = fc.oneof(
  fc
    .uniqueArray(entry, { minLength: 1, maxLength: 4, selector: (each) => each.model })
    .map((models) => ({ models })),
  fc
    .array(slice, { minLength: 1, maxLength: 3 })
    .map((slices) => ({ models: [] as RecipeModel[], slices })),
);

export const anyRecipe: fc.Arbitrary<Recipe> = fc
  .tuple(
    inputs,
    fc.record(
      {
        // Never the name of a model: a recipe cannot use itself.
        name: word.map((name) => `stage-${name}`),
        mergeMethod: word,
        baseModel: model,
        parameters: settings,
        dtype: fc.constantFrom('float32' as const, 'bfloat16' as const),
        outDtype: fc.constantFrom('float32' as const, 'float16' as const),
        tokenizer,
        chatTemplate: fc.constantFrom('auto', '{% for m in messages %}\n  {{ m }}\n{% endfor %}'),
        mergelab: fc.record(
          {
            seed: fc.nat(),
            granularity: fc.constantFrom('tensor' as const, 'model' as const),
            random: fc.constantFrom('lab' as const, 'mergekit' as const),
            notes: fc.constantFrom('off', 'two\nlines\n', '# no comment'),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['mergeMethod', 'parameters'] },
    ),
  )
  .map(([merged, rest]) => ({ ...rest, ...merged }));
