import type { DecoderConfig } from './decoder-config';
import type { GraphBuilder } from './graph-builder';
import type { ProductType } from './graph-weights';

/** Queries, keys and values of one layer, each `[batch, sequence, heads · headSize]`. */
export interface Projections {
  readonly query: string;
  /** Empty when they are packed behind the queries. */
  readonly key: string;
  readonly value: string;
}

export interface AttentionSetting {
  readonly graph: GraphBuilder;
  readonly config: DecoderConfig;
  readonly type: ProductType;
}

/** Writes the attention of layers, with the cache's inputs and outputs. */
export interface Attention {
  /** Adds nodes that all layers share; once, before the first layer. */
  prepare(): void;
  /** @returns what the heads gathered, reshapable to `[batch · sequence, heads · headSize]` */
  attend(layer: number, projections: Projections): string;
}
