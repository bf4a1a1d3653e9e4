import type { Attention, AttentionSetting, Projections } from './attention';
import { OpenAttention } from './open-attention';

/** Shared values that a decoder graph provides: `attention_mask`, `rope.cosines`, `rope.sines`. */
export function attentionFor(setting: AttentionSetting, isForAnyRuntime: boolean): Attention {
  // The WebGPU provider of onnxruntime-web 1.30 ignores `softcap` without a word.
  return setting.config.traits.attentionCap !== undefined && isForAnyRuntime
    ? new OpenAttention(setting)
    : new FusedAttention(setting);
}

/** One `GroupQueryAttention` a layer: rotation, cache and padding on the right in one operator. */
class FusedAttention implements Attention {
  readonly #setting: AttentionSetting;

  constructor(setting: AttentionSetting) {
    this.#setting = setting;
  }

  /** The operator wants the last valid index of each row and the padded total length. */
  prepare(): void {
    const { graph } = this.#setting;
    graph.node('mask.sum', 'ReduceSum', ['attention_mask', 'axis.1'], {
      attributes: { keepdims: 0 },
    });
    graph.node('mask.last', 'Sub', ['mask.sum', graph.integers('one', 1)]);
    graph.cast('seqlens_k', 'mask.last', 'int32');
    graph.node('mask.shape', 'Shape', ['attention_mask'], { attributes: { start: 1, end: 2 } });
    graph.node('mask.length', 'Squeeze', ['mask.shape']);
    graph.cast('total_length', 'mask.length', 'int32');
  }

  attend(layer: number, { query, key, value }: Projections): string {
    const { graph, config } = this.#setting;
    const { headCount, keyValueHeadCount, traits } = config;
    const prefix = `model.layers.${String(layer)}.self_attn`;
    const { attentionCap, window, slidingLayers } = traits;
    const isSliding = window !== undefined && slidingLayers.includes(layer);
    return graph.node(
      prefix,
      'GroupQueryAttention',
      [
        ...[query, key, value],
        ...['key', 'value'].map((part) => `past_key_values.${String(layer)}.${part}`),
        ...['seqlens_k', 'total_length', 'rope.cosines', 'rope.sines'],
      ],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: headCount,
          kv_num_heads: keyValueHeadCount,
          scale: { float: traits.attentionScale },
          do_rotary: 1,
          rotary_interleaved: 0,
          ...(attentionCap === undefined ? {} : { softcap: { float: attentionCap } }),
          ...(isSliding ? { local_window_size: window } : {}),
        },
        outputs: [prefix, ...['key', 'value'].map((part) => `present.${String(layer)}.${part}`)],
      },
    );
  }
}
