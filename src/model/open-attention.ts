import type { Attention, AttentionSetting, Projections } from './attention';

/** Finite in float16 too, and far below every capped score. */
const hidden = -60_000;

/**
 * Attention written out in plain operators, for models that cap their scores. Takes padding on either
 * side: masked positions are hidden from all others, and only differences of positions matter.
 */
export class OpenAttention implements Attention {
  readonly #setting: AttentionSetting;

  constructor(setting: AttentionSetting) {
    this.#setting = setting;
  }

  prepare(): void {
    const { graph, config, type } = this.#setting;
    const { headCount, keyValueHeadCount, headSize, traits } = config;
    const groupSize = headCount / keyValueHeadCount;
    const lengthAttributes = { attributes: { start: 1, end: 2 } };
    graph.node('total.shape', 'Shape', ['attention_mask'], lengthAttributes);
    graph.node('sequence.shape', 'Shape', ['input_ids'], lengthAttributes);
    graph.node('past.shape', 'Sub', ['total.shape', 'sequence.shape']);
    graph.node('total', 'Squeeze', ['total.shape']);
    graph.node('past', 'Squeeze', ['past.shape']);
    graph.integers('one', 1);
    graph.node('own.positions', 'Range', ['past', 'total', 'one']);
    graph.node('all.positions', 'Range', [graph.integers('zero', 0), 'total', 'one']);
    graph.node('position_ids', 'Expand', ['own.positions', 'ids.shape']);

    graph.node('own.column', 'Unsqueeze', ['own.positions', 'axis.1']);
    graph.node('seen.causal', 'LessOrEqual', ['all.positions', 'own.column']);
    graph.cast('mask.bits', 'attention_mask', 'bool');
    graph.node('mask.rows', 'Unsqueeze', ['mask.bits', 'axis.1']);
    graph.node('seen.full', 'And', ['seen.causal', 'mask.rows']);
    graph.floats('score.kept', [], Float32Array.of(0), type);
    graph.floats('score.hidden', [], Float32Array.of(hidden), type);
    graph.integers('axes.heads', [1, 2]);
    this.#bias('full');
    if (traits.window !== undefined) {
      graph.node('window.end', 'Sub', ['own.column', graph.integers('window', traits.window)]);
      graph.node('seen.near', 'Greater', ['all.positions', 'window.end']);
      graph.node('seen.window', 'And', ['seen.full', 'seen.near']);
      this.#bias('window');
    }

    graph.integers('query.shape', [0, 0, keyValueHeadCount, groupSize, headSize]);
    graph.integers('grouped.shape', [0, keyValueHeadCount, -1, headSize]);
    graph.integers('key.shape', [0, 0, keyValueHeadCount, headSize]);
    // [batch, key-value heads, group, sequence, whatever is left], of scores and of what they gather.
    graph.node(
      'split.groups',
      'Concat',
      [graph.integers('groups.begin', [0, 0, groupSize]), 'sequence.shape', 'minus.one'],
      { attributes: { axis: 0 } },
    );
    graph.node(
      'joined.groups',
      'Concat',
      [graph.integers('joined.begin', [0, 0, -1]), 'total.shape'],
      { attributes: { axis: 0 } },
    );
    graph.floats('score.scale', [], Float32Array.of(traits.attentionScale), type);
    if (traits.attentionCap !== undefined) {
      graph.floats('score.cap', [], Float32Array.of(traits.attentionCap), type);
    }
  }

  attend(layer: number, { query, key, value }: Projections): string {
    const { graph, config } = this.#setting;
    const { headCount, keyValueHeadCount, traits } = config;
    const prefix = `model.layers.${String(layer)}.self_attn`;
    const name = (part: string): string => `${prefix}.${part}`;
    const turned = this.#rotate(name('query'), query, headCount);
    graph.node(name('query.heads'), 'Reshape', [turned, 'query.shape']);
    graph.node(name('query.groups'), 'Transpose', [name('query.heads')], {
      attributes: { perm: [0, 2, 3, 1, 4] },
    });
    graph.node(name('query.rows'), 'Reshape', [name('query.groups'), 'grouped.shape']);
    const keys = this.#cached(layer, 'key', this.#rotate(name('key'), key, keyValueHeadCount));
    const values = this.#cached(layer, 'value', value);

    graph.node(name('key.columns'), 'Transpose', [keys], { attributes: { perm: [0, 1, 3, 2] } });
    graph.node(name('products'), 'MatMul', [name('query.rows'), name('key.columns')]);
    let scores = graph.node(name('scores'), 'Mul', [name('products'), 'score.scale']);
    if (traits.attentionCap !== undefined) {
      graph.node(name('scores.small'), 'Div', [scores, 'score.cap']);
      graph.node(name('scores.bent'), 'Tanh', [name('scores.small')]);
      scores = graph.node(name('scores.capped'), 'Mul', [name('scores.bent'), 'score.cap']);
    }
    graph.node(name('scores.split'), 'Reshape', [scores, 'split.groups']);
    const bias = traits.slidingLayers.includes(layer) ? 'bias.window' : 'bias.full';
    graph.node(name('scores.seen'), 'Add', [name('scores.split'), bias]);
    graph.node(name('shares'), 'Softmax', [name('scores.seen')], { attributes: { axis: -1 } });
    graph.node(name('shares.rows'), 'Reshape', [name('shares'), 'joined.groups']);
    graph.node(name('gathered'), 'MatMul', [name('shares.rows'), values]);
    graph.node(name('gathered.split'), 'Reshape', [name('gathered'), 'split.groups']);
    return graph.node(prefix, 'Transpose', [name('gathered.split')], {
      attributes: { perm: [0, 3, 1, 2, 4] },
    });
  }

  /** `[batch, 1, 1, sequence, total]`: 0 where a position is seen. */
  #bias(kind: 'full' | 'window'): void {
    const { graph } = this.#setting;
    graph.node(`bias.${kind}.rows`, 'Where', [`seen.${kind}`, 'score.kept', 'score.hidden']);
    graph.node(`bias.${kind}`, 'Unsqueeze', [`bias.${kind}.rows`, 'axes.heads']);
  }

  #rotate(name: string, x: string, headCount: number): string {
    const inputs = [x, 'position_ids', 'rope.cosines', 'rope.sines'];
    return this.#setting.graph.node(`${name}.turned`, 'RotaryEmbedding', inputs, {
      domain: 'com.microsoft',
      attributes: { interleaved: 0, num_heads: headCount },
    });
  }

  /** Keys or values by head, behind those of earlier tokens. */
  #cached(layer: number, part: 'key' | 'value', x: string): string {
    const { graph } = this.#setting;
    const name = `model.layers.${String(layer)}.self_attn.${part}`;
    graph.node(`${name}.heads`, 'Reshape', [x, 'key.shape']);
    graph.node(`${name}.own`, 'Transpose', [`${name}.heads`], {
      attributes: { perm: [0, 2, 1, 3] },
    });
    const past = `past_key_values.${String(layer)}.${part}`;
    return graph.node(`present.${String(layer)}.${part}`, 'Concat', [past, `${name}.own`], {
      attributes: { axis: 2 },
    });
  }
}
