import type { GraphBuilder } from './graph-builder';
import { blockSize, type WeightEncoding, type WeightPlanner } from './weight-plan';

/** Shape and storage of a weight matrix in a graph. */
export interface MatrixForm {
  readonly rows: number;
  readonly columns: number;
  readonly encoding: WeightEncoding;
}

/** Adds weights to a graph and its plan, and products with them. */
export class GraphWeights {
  readonly #graph: GraphBuilder;
  readonly #planner: WeightPlanner;
  readonly #encoding: WeightEncoding;

  /** @param encoding of every matrix that is not a table */
  constructor(graph: GraphBuilder, planner: WeightPlanner, encoding: WeightEncoding) {
    this.#graph = graph;
    this.#planner = planner;
    this.#encoding = encoding;
  }

  /** Embedding tables are never below 8 bits: their error reaches every token twice when tied. */
  get tableEncoding(): WeightEncoding {
    return isPlain(this.#encoding) ? this.#encoding : 'q8';
  }

  /** The vector `<name>.weight`, always in float32. */
  vector(name: string, length: number): string {
    const weight = `${name}.weight`;
    this.#add(weight, [weight], [length], 'fp32');
    return weight;
  }

  /** An embedding table `[rows, columns]` under its checkpoint's name. */
  table(name: string, rows: number, columns: number): string {
    this.#add(name, [name], [rows, columns], this.tableEncoding);
    return name;
  }

  /** x `[n, columns]` times the transpose of `sources` stacked by rows, `[rows, columns]`. */
  product(
    name: string,
    sources: readonly string[],
    x: string,
    rows: number,
    columns: number,
  ): string {
    const weight = `${name}.weight`;
    this.#add(weight, sources, [rows, columns], this.#encoding);
    return this.multiply(name, x, weight, { rows, columns, encoding: this.#encoding });
  }

  /** x `[n, columns]` times the transpose of a weight that is in the graph already. */
  multiply(name: string, x: string, weight: string, form: MatrixForm): string {
    if (isPlain(form.encoding)) {
      return this.#graph.node(name, 'Gemm', [x, weight], { attributes: { transB: 1 } });
    }
    const inputs = [x, `${weight}.codes`, `${weight}.scales`];
    if (form.encoding === 'q4') inputs.push(`${weight}.zeros`);
    return this.#graph.node(name, 'MatMulNBits', inputs, {
      domain: 'com.microsoft',
      attributes: {
        K: form.columns,
        N: form.rows,
        bits: form.encoding === 'q8' ? 8 : 4,
        block_size: blockSize,
      },
    });
  }

  #add(
    name: string,
    sources: readonly string[],
    shape: readonly [number, number] | readonly [number],
    encoding: WeightEncoding,
  ): void {
    for (const tensor of this.#planner.add(name, sources, shape, encoding)) {
      this.#graph.constant(tensor);
    }
  }
}

/** Whether matrices are stored as numbers and not as codes; those of one input can be stacked. */
export function isPlain(encoding: WeightEncoding): boolean {
  return encoding === 'fp32' || encoding === 'fp16';
}
