import type { GraphBuilder } from './graph-builder';
import { blockSize, type WeightEncoding, type WeightPlanner } from './weight-plan';

/**
 * Embedding tables of a q4 model with this many values or more are in 4 bits, smaller ones in 8.
 *
 * A table's error reaches every token twice when the head is tied to it. On three models of the zoo
 * (1536 · 192 values; 1788 positions of 54 prompts) 4 bits instead of 8 take the mean KL divergence
 * from fp32 from 0.0085 to 0.0129 and the same first choices from 96.5 % to 95.8 %, and leave scores
 * within one item of 50; they would save 0.16 MB. The table of Gemma-2-2B, 256000 · 2304, saves 0.32
 * of 1.83 GB, and from here on it is 18 MB or more.
 */
const largeTableValues = 2 ** 25;

/**
 * Values of a head that the wasm provider widens at once, 64 MiB in float32. Its `MatMulNBits` widens
 * a whole matrix at every call: the head of Gemma-2-2B in one piece takes 2.4 GB beside 1.5 GB of
 * weights, where WebAssembly has 4.
 */
const widenedValues = 2 ** 24;

/** Shape and storage of a weight matrix in a graph. */
export interface MatrixForm {
  readonly rows: number;
  readonly columns: number;
  readonly encoding: WeightEncoding;
}

/** Element type of products and attention, and of the keys and values that wait for the next token. */
export type ProductType = 'float32' | 'float16';

/**
 * Adds weights to a graph and its plan, and products with them. With fp16 weights products are in
 * float16; the residual stream and the norms, which can outgrow it, stay in float32.
 */
export class GraphWeights {
  readonly type: ProductType;
  readonly #graph: GraphBuilder;
  readonly #planner: WeightPlanner;
  readonly #encoding: WeightEncoding;
  readonly #savesMemory: boolean;

  /**
   * @param encoding of every matrix that is not a table
   * @param savesMemory for the wasm provider, where constants are not folded and matrices are widened
   *   at every call: late, and the head's in slices
   */
  constructor(
    graph: GraphBuilder,
    planner: WeightPlanner,
    encoding: WeightEncoding,
    savesMemory: boolean,
  ) {
    this.type = encoding === 'fp16' ? 'float16' : 'float32';
    this.#graph = graph;
    this.#planner = planner;
    this.#encoding = encoding;
    this.#savesMemory = savesMemory;
  }

  /** How an embedding table of this shape is stored. */
  tableEncoding(rows: number, columns: number): WeightEncoding {
    if (this.#encoding === 'q4' && rows * columns < largeTableValues) return 'q8';
    return this.#encoding;
  }

  /** Whether matrices are stored as numbers and not as codes: then those of one input are stacked. */
  get stacks(): boolean {
    return isPlain(this.#encoding);
  }

  /** From the residual stream into a product. */
  narrow(x: string): string {
    return this.type === 'float32' ? x : this.#graph.cast(`${x}.narrow`, x, 'float16');
  }

  /** From a product into the residual stream. */
  widen(x: string): string {
    return this.type === 'float32' ? x : this.#graph.cast(`${x}.wide`, x, 'float32');
  }

  /** The vector `<name>.weight` of a norm, always in float32. */
  normVector(name: string, length: number, addend: number): string {
    const weight = `${name}.weight`;
    this.#add(weight, [weight], [length], 'fp32', addend);
    return weight;
  }

  /** An embedding table `[rows, columns]` under its checkpoint's name. */
  table(name: string, rows: number, columns: number): string {
    this.#add(name, [name], [rows, columns], this.tableEncoding(rows, columns));
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
    const form = this.matrix(weight, sources, rows, columns);
    return this.multiply(name, x, weight, form);
  }

  /** Adds `sources` stacked by rows, `[rows, columns]`, under a name of their own. */
  matrix(name: string, sources: readonly string[], rows: number, columns: number): MatrixForm {
    this.#add(name, sources, [rows, columns], this.#encoding);
    return { rows, columns, encoding: this.#encoding };
  }

  /** Adds the vector `<name>.bias` to a product. */
  biased(name: string, product: string, length: number): string {
    const bias = `${name}.bias`;
    this.#add(bias, [bias], [length], this.type === 'float16' ? 'fp16' : 'fp32');
    return this.#graph.node(`${name}.biased`, 'Add', [product, bias]);
  }

  /** x `[n, columns]` times the transpose of a weight that is in the graph already. */
  multiply(name: string, x: string, weight: string, form: MatrixForm): string {
    return this.#multiplyBy(name, x, this.#partNames(weight, form.encoding), form);
  }

  /**
   * The same as `multiply` for a head. Slices are copies of codes, a few hundredths of the time that
   * widening takes.
   */
  multiplyHead(name: string, x: string, weight: string, form: MatrixForm): string {
    const { rows, columns, encoding } = form;
    const sliceRows = Math.ceil(widenedValues / columns);
    if (!this.#savesMemory || encoding === 'fp32' || rows <= sliceRows) {
      return this.multiply(name, x, weight, form);
    }
    const parts = this.#partNames(weight, encoding);
    const products: string[] = [];
    for (let start = 0; start < rows; start += sliceRows) {
      const end = Math.min(start + sliceRows, rows);
      const slice = `${name}.${String(start)}`;
      const range = [
        this.#graph.integers(`${slice}.start`, [start]),
        this.#graph.integers(`${slice}.end`, [end]),
      ];
      const sliced = parts.map((part) =>
        this.#graph.node(`${slice}.${part}`, 'Slice', [part, ...range]),
      );
      products.push(this.#multiplyBy(slice, x, sliced, { ...form, rows: end - start }));
    }
    return this.#graph.node(name, 'Concat', products, { attributes: { axis: 1 } });
  }

  /** The float32 scales `[rows, blocks]` of a quantised weight that is in the graph already. */
  scales(weight: string, encoding: WeightEncoding): string {
    return encoding === 'q4' ? `${weight}.scales.wide` : `${weight}.scales`;
  }

  /** What a product with a weight reads of it. */
  #partNames(weight: string, encoding: WeightEncoding): readonly string[] {
    if (isPlain(encoding)) return [weight];
    const parts = [`${weight}.codes`, this.scales(weight, encoding)];
    return encoding === 'q4' ? [...parts, `${weight}.zeros`] : parts;
  }

  #multiplyBy(name: string, x: string, parts: readonly string[], form: MatrixForm): string {
    if (isPlain(form.encoding)) {
      return this.#graph.node(name, 'Gemm', [x, ...parts], { attributes: { transB: 1 } });
    }
    return this.#graph.node(name, 'MatMulNBits', [x, ...parts], {
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
    addend = 0,
  ): void {
    for (const tensor of this.#planner.add(name, sources, shape, encoding, addend)) {
      this.#graph.constant(tensor);
    }
    // On WebGPU folded when a session is made: scales take a quarter of the codes in memory, an eighth
    // stored.
    if (encoding === 'q4') {
      this.#graph.cast(this.scales(name, encoding), `${name}.scales`, 'float32', {
        isLeading: this.#savesMemory,
      });
    }
  }
}

function isPlain(encoding: WeightEncoding): boolean {
  return encoding === 'fp32' || encoding === 'fp16';
}
