import { Random } from '../../../src/core/random';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import type { RunRequest } from '../../../src/rpc/lab';
import { hubModels } from '../../../tools/bench/scale/synthetic-hub';
import { syntheticFamily } from '../../../tools/synth/synthetic-model';
import { bytesContent } from '../../hub/content';
import type { HubTestModel } from '../../hub/repos';

/** `MERGELAB_LONG=1`: six models of 135 million parameters, 269 MB each, and 20 kills. */
export const isLong = process.env['MERGELAB_LONG'] === '1';

const names = isLong
  ? ['base', 'tuned-1', 'tuned-2', 'tuned-3', 'tuned-4', 'tuned-5']
  : ['base', 'tuned-1', 'tuned-2'];

/** Of all models of a run together, about. */
export const inputBytes = isLong ? 6 * 269e6 : 3 * 38e6;
/** Of a run's output, about. */
export const outputBytes = isLong ? 269e6 : 38e6;

/**
 * `mb_ties` ranks all weights of a model together before the first is merged: every stage there is.
 * `ties` reads each model once. `task_arithmetic` is for emulated devices, which are slow.
 */
export type RunMethod = 'mb_ties' | 'ties' | 'task_arithmetic';

const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 1024,
  num_hidden_layers: 6,
  tie_word_embeddings: true,
};

/** What the hub has: the models of `requestFor`. */
export async function runModels(): Promise<HubTestModel[]> {
  if (isLong) {
    return hubModels(await syntheticFamily({ size: '135m', modelCount: names.length, seed: 1 }));
  }
  return names.flatMap((name) => [smallModel(name, 1024), smallModel(name, 512)]);
}

/** A merge of all models; of small copies of them where the device is emulated and time is short. */
export function requestFor(method: RunMethod, more: Partial<RunRequest> = {}): RunRequest {
  const owner = method === 'task_arithmetic' && !isLong ? 'tiny' : 'synthetic';
  const [base = '', ...specialists] = names;
  const models = specialists.map(
    (id) => `  - { model: ${id}, parameters: { weight: 0.4, density: 0.3 } }`,
  );
  return {
    title: `${method} of ${specialists.length}`,
    recipeText: [
      `merge_method: ${method}`,
      `base_model: ${base}`,
      'dtype: bfloat16',
      'models:',
      ...models,
      '',
    ].join('\n'),
    models: [base, ...specialists].map((id) => ({
      id,
      place: { kind: 'hub', repo: `${owner}/${id}`, revision: 'main' },
    })),
    output: 'checkpoint',
    to: 'store',
    caching: 'auto',
    budgetBytes: 1.5e9,
    ...more,
  };
}

/** 38 MB in bfloat16 for a width of 1024, three chunks of the store; 9 MB for 512. */
function smallModel(label: string, width: 1024 | 512): HubTestModel {
  const layers = Array.from({ length: 6 }, (_, layer): [string, readonly number[]] => [
    `model.layers.${layer}.mlp.up_proj.weight`,
    [2 * width, width],
  ]);
  const shapes: readonly [string, readonly number[]][] = [
    ['model.embed_tokens.weight', [6 * width, width]],
    ...layers,
    ['model.norm.weight', [width]],
  ];
  const random = Random.named(5, label);
  const tile = new Uint16Array((1 << 20) + 7);
  for (let index = 0; index < tile.length; index++) {
    // From 2^-8 to 2^-4, of either sign.
    tile[index] = (random.integer(0, 1) << 15) | random.integer(0x3b80, 0x3d7f);
  }
  const tensors = shapes.map(([name, shape], place) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Uint16Array.from(
      { length: count },
      (_, i) => tile[(i + 997 * place) % tile.length] ?? 0,
    );
    return { name, dtype: 'BF16', shape, bytes: new Uint8Array(values.buffer) } as const;
  });
  return {
    repo: `${width === 512 ? 'tiny' : 'synthetic'}/${label}`,
    files: new Map([
      ['config.json', bytesContent(JSON.stringify(config))],
      ['model.safetensors', bytesContent(encodeSafetensors(tensors))],
    ]),
  };
}
