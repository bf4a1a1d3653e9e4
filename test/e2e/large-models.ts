import { Random } from '../../src/core/random';
import { encodeSafetensors } from '../../src/formats/safetensors-writer';
import { bytesContent } from '../hub/content';
import type { HubTestModel } from '../hub/repos';

const layerCount = 6;
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 1024,
  num_hidden_layers: layerCount,
  tie_word_embeddings: true,
};

/** 38 MB in bfloat16: three of them are too large to merge at every movement of a slider. */
export function modelOf(name: string, gated: HubTestModel['gated'] = false): HubTestModel {
  const random = Random.named(7, name);
  // From 2^-8 to 2^-4, of either sign.
  const tile = Uint16Array.from(
    { length: 1 << 16 },
    () => (random.integer(0, 1) << 15) | random.integer(0x3b80, 0x3d7f),
  );
  const tensor = (title: string, shape: readonly [number, number], place: number) => {
    const length = shape[0] * shape[1];
    const values = new Uint16Array(length);
    for (let at = 0; at < length; at += tile.length - place) {
      values.set(tile.subarray(0, length - at), at);
    }
    return { name: title, dtype: 'BF16', shape, bytes: new Uint8Array(values.buffer) } as const;
  };
  const layers = Array.from({ length: layerCount }, (_, layer) =>
    tensor(`model.layers.${layer}.mlp.up_proj.weight`, [2048, 1024], layer + 1),
  );
  return {
    repo: `lab/${name}`,
    gated,
    licence: 'mit',
    files: new Map([
      ['config.json', bytesContent(JSON.stringify(config))],
      [
        'model.safetensors',
        bytesContent(
          encodeSafetensors([tensor('model.embed_tokens.weight', [6144, 1024], 0), ...layers]),
        ),
      ],
    ]),
  };
}
