import { f32ToF16 } from '../core/float-bits';
import {
  onnxDataTypes,
  type OnnxAttribute,
  type OnnxDataType,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../formats/onnx-model';

/** Attribute values as plain numbers and texts; `{ float: x }` marks a float that may be whole. */
export type AttributeInput = number | string | readonly number[] | { readonly float: number };

interface NodeOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  /** Output names; by default one, equal to the node's name. */
  readonly outputs?: readonly string[];
  /**
   * Puts a node that reads only constants in front of all others. The runtime comes to a node's inputs
   * from the last in the list to the first (onnxruntime-web 1.30), so what stands in front is computed
   * as late as it can be, and what it makes waits in memory for no other node.
   */
  readonly isLeading?: boolean;
}

/** Collects nodes and constants in the order of computation. Value names are the caller's. */
export class GraphBuilder {
  readonly #leadingNodes: OnnxNode[] = [];
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];

  /** Adds a node and gives the name of its first output. */
  node(name: string, opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const outputs = options.outputs ?? [name];
    const attributes: Record<string, OnnxAttribute> = {};
    for (const [key, value] of Object.entries(options.attributes ?? {})) {
      attributes[key] = toAttribute(value);
    }
    const nodes = options.isLeading === true ? this.#leadingNodes : this.#nodes;
    nodes.push({ name, opType, domain: options.domain ?? '', inputs, outputs, attributes });
    return outputs.find((output) => output !== '') ?? name;
  }

  constant(tensor: OnnxTensor): string {
    this.#initializers.push(tensor);
    return tensor.name;
  }

  /** A small int64 constant: a vector, or a scalar for a plain number. */
  integers(name: string, values: number | readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const data = BigInt64Array.from(list, (value) => BigInt(value));
    const dims = typeof values === 'number' ? [] : [list.length];
    return this.constant({ name, dataType: 'int64', dims, data: new Uint8Array(data.buffer) });
  }

  /** A small constant, rounded where `dataType` is the narrower one. */
  floats(
    name: string,
    dims: readonly number[],
    values: Float32Array,
    dataType: 'float32' | 'float16' = 'float32',
  ): string {
    const stored = dataType === 'float32' ? values : Uint16Array.from(values, f32ToF16);
    const data = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    return this.constant({ name, dataType, dims, data });
  }

  /** A value in another element type. */
  cast(
    name: string,
    input: string,
    dataType: OnnxDataType,
    options: Pick<NodeOptions, 'isLeading'> = {},
  ): string {
    const attributes = { to: onnxDataTypes[dataType] };
    return this.node(name, 'Cast', [input], { ...options, attributes });
  }

  input(value: OnnxValue): string {
    this.#inputs.push(value);
    return value.name;
  }

  output(value: OnnxValue): void {
    this.#outputs.push(value);
  }

  finish(name: string): OnnxGraph {
    return {
      name,
      nodes: [...this.#leadingNodes, ...this.#nodes],
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}

function toAttribute(value: AttributeInput): OnnxAttribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return { type: 'int', value };
  if ('float' in value) return { type: 'float', value: value.float };
  return { type: 'ints', value };
}
