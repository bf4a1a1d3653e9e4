import { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { encodeOnnxModel } from '../../../src/formats/onnx-writer';
import type { OnnxModel } from '../../../src/formats/onnx-model';

// Read back by protobufjs code generated from ONNX's own schema, which shares nothing with ours.
const { ModelProto } = onnx;

function modelWith(graph: Partial<OnnxModel['graph']>): OnnxModel {
  return {
    irVersion: 10,
    producer: 'MergeLab',
    opsets: { '': 21, 'com.microsoft': 1 },
    graph: { name: 'g', nodes: [], initializers: [], inputs: [], outputs: [], ...graph },
  };
}

function roundTrip(model: OnnxModel): onnx.IGraphProto {
  const decoded = ModelProto.decode(encodeOnnxModel(model));
  expect(Number(decoded.irVersion)).toBe(10);
  expect(decoded.producerName).toBe('MergeLab');
  const opsets = decoded.opsetImport.map((entry) => [entry.domain, Number(entry.version)]);
  expect(opsets).toEqual([
    ['', 21],
    ['com.microsoft', 1],
  ]);
  return decoded.graph ?? {};
}

describe('encodeOnnxModel', () => {
  it('writes nodes with every kind of attribute', () => {
    const graph = roundTrip(
      modelWith({
        nodes: [
          {
            name: 'n',
            opType: 'Thing',
            domain: 'com.microsoft',
            inputs: ['a', '', 'ü'],
            outputs: ['b'],
            attributes: {
              f: { type: 'float', value: 1e-5 },
              i: { type: 'int', value: -1 },
              big: { type: 'int', value: 2 ** 40 },
              s: { type: 'string', value: 'text' },
              list: { type: 'ints', value: [1, -2, 3] },
            },
          },
        ],
      }),
    );
    const [node] = graph.node ?? [];
    expect(node).toMatchObject({
      name: 'n',
      opType: 'Thing',
      domain: 'com.microsoft',
      input: ['a', '', 'ü'],
      output: ['b'],
    });
    const attributes = new Map((node?.attribute ?? []).map((each) => [each.name, each] as const));
    expect(attributes.get('f')?.f).toBe(Math.fround(1e-5));
    expect(Number(attributes.get('i')?.i)).toBe(-1);
    expect(Number(attributes.get('big')?.i)).toBe(2 ** 40);
    expect(new TextDecoder().decode(attributes.get('s')?.s ?? undefined)).toBe('text');
    expect(attributes.get('list')?.ints?.map(Number)).toEqual([1, -2, 3]);
    const { FLOAT, INT, STRING, INTS } = onnx.AttributeProto.AttributeType;
    expect(node?.attribute?.map((each) => each.type)).toEqual([FLOAT, INT, INT, STRING, INTS]);
  });

  it('writes inline and external tensors, scalars and empty ones', () => {
    const graph = roundTrip(
      modelWith({
        initializers: [
          { name: 'scalar', dataType: 'float32', dims: [], data: Uint8Array.of(0, 0, 128, 63) },
          { name: 'empty', dataType: 'int64', dims: [0, 3], data: new Uint8Array(0) },
          {
            name: 'outside',
            dataType: 'uint8',
            dims: [2, 3],
            data: { location: 'x.onnx_data', offsetBytes: 2 ** 33, lengthBytes: 6 },
          },
        ],
      }),
    );
    const [scalar, empty, outside] = graph.initializer ?? [];
    const { FLOAT, INT64, UINT8 } = onnx.TensorProto.DataType;
    expect(scalar).toMatchObject({ name: 'scalar', dims: [], dataType: FLOAT });
    expect([...(scalar?.rawData ?? [])]).toEqual([0, 0, 128, 63]);
    expect(empty?.dims?.map(Number)).toEqual([0, 3]);
    expect(empty?.dataType).toBe(INT64);
    expect(outside?.dataType).toBe(UINT8);
    expect(outside?.dataLocation).toBe(onnx.TensorProto.DataLocation.EXTERNAL);
    const entries = outside?.externalData?.map((entry) => [entry.key, entry.value]);
    expect(entries).toEqual([
      ['location', 'x.onnx_data'],
      ['offset', '8589934592'],
      ['length', '6'],
    ]);
  });

  it('writes inputs and outputs with fixed and named axes', () => {
    const graph = roundTrip(
      modelWith({
        inputs: [{ name: 'x', dataType: 'int64', dims: ['batch_size', 4] }],
        outputs: [{ name: 'y', dataType: 'float32', dims: [] }],
      }),
    );
    const type = graph.input?.[0]?.type?.tensorType;
    expect(type?.elemType).toBe(onnx.TensorProto.DataType.INT64);
    expect(type?.shape?.dim?.map((axis) => axis.dimParam ?? '')).toEqual(['batch_size', '']);
    expect(Number(type?.shape?.dim?.[1]?.dimValue)).toBe(4);
    expect(graph.output?.[0]?.name).toBe('y');
    expect(graph.output?.[0]?.type?.tensorType?.shape?.dim).toEqual([]);
  });
});
