/**
 * The part of ONNX's data model (onnx 1.16, `onnx.proto`) that a decoder graph needs, as plain data.
 * Field names follow the proto in camel case.
 */

/** `TensorProto.DataType` values. */
export const onnxDataTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;

export type OnnxDataType = keyof typeof onnxDataTypes;

/** Where a tensor's bytes lie outside the model file. */
export interface OnnxExternalData {
  /** File name relative to the model file. */
  readonly location: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A constant tensor: its little-endian bytes are either here or in an external file. */
export interface OnnxTensor {
  readonly name: string;
  readonly dataType: OnnxDataType;
  /** Row-major; `[]` is a scalar. */
  readonly dims: readonly number[];
  readonly data: Uint8Array | OnnxExternalData;
}

export type OnnxAttribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'string'; readonly value: string };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** `''` is the default ONNX domain. */
  readonly domain: string;
  /** An empty string is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph input or output; an axis named by a text is symbolic. */
export interface OnnxValue {
  readonly name: string;
  readonly dataType: OnnxDataType;
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each operator domain used. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly graph: OnnxGraph;
}
