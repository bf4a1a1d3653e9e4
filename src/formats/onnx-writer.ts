import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  onnxDataTypes,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx-model';

/**
 * Serialises a model as protobuf (`ModelProto`). Weights stay outside: only tensors whose bytes are
 * given inline are copied in, so the result is small and the 2 GB limit of protobuf never matters.
 */
export function encodeOnnxModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(model.irVersion);
  writeText(writer, 2, model.producer);
  writeMessage(writer, 7, () => {
    writeGraph(writer, model.graph);
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    writeMessage(writer, 8, () => {
      writeText(writer, 1, domain);
      writer.tag(2, WireType.Varint).int64(version);
    });
  }
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) {
    writeMessage(writer, 1, () => {
      writeNode(writer, node);
    });
  }
  writeText(writer, 2, graph.name);
  for (const tensor of graph.initializers) {
    writeMessage(writer, 5, () => {
      writeTensor(writer, tensor);
    });
  }
  for (const [field, values] of [
    [11, graph.inputs],
    [12, graph.outputs],
  ] as const) {
    for (const value of values) {
      writeMessage(writer, field, () => {
        writeValue(writer, value);
      });
    }
  }
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) writeText(writer, 1, input);
  for (const output of node.outputs) writeText(writer, 2, output);
  writeText(writer, 3, node.name);
  writeText(writer, 4, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    writeMessage(writer, 5, () => {
      writeText(writer, 1, name);
      writeAttribute(writer, attribute);
    });
  }
  writeText(writer, 7, node.domain);
}

/** Value field and `AttributeProto.AttributeType` (field 20) of each kind. */
function writeAttribute(writer: BinaryWriter, attribute: OnnxAttribute): void {
  switch (attribute.type) {
    case 'float':
      writer.tag(2, WireType.Bit32).float(attribute.value);
      writer.tag(20, WireType.Varint).int32(1);
      return;
    case 'int':
      writer.tag(3, WireType.Varint).int64(attribute.value);
      writer.tag(20, WireType.Varint).int32(2);
      return;
    case 'string':
      writer.tag(4, WireType.LengthDelimited).bytes(new TextEncoder().encode(attribute.value));
      writer.tag(20, WireType.Varint).int32(3);
      return;
    case 'ints':
      for (const value of attribute.value) writer.tag(8, WireType.Varint).int64(value);
      writer.tag(20, WireType.Varint).int32(7);
  }
}

function writeTensor(writer: BinaryWriter, tensor: OnnxTensor): void {
  for (const axis of tensor.dims) writer.tag(1, WireType.Varint).int64(axis);
  writer.tag(2, WireType.Varint).int32(onnxDataTypes[tensor.dataType]);
  writeText(writer, 8, tensor.name);
  const { data } = tensor;
  if (data instanceof Uint8Array) {
    writer.tag(9, WireType.LengthDelimited).bytes(data);
    return;
  }
  const entries = {
    location: data.location,
    offset: String(data.offsetBytes),
    length: String(data.lengthBytes),
  };
  for (const [key, value] of Object.entries(entries)) {
    writeMessage(writer, 13, () => {
      writeText(writer, 1, key);
      writeText(writer, 2, value);
    });
  }
  // DataLocation.EXTERNAL
  writer.tag(14, WireType.Varint).int32(1);
}

function writeValue(writer: BinaryWriter, value: OnnxValue): void {
  writeText(writer, 1, value.name);
  writeMessage(writer, 2, () => {
    writeMessage(writer, 1, () => {
      writer.tag(1, WireType.Varint).int32(onnxDataTypes[value.dataType]);
      writeMessage(writer, 2, () => {
        for (const axis of value.dims) {
          writeMessage(writer, 1, () => {
            if (typeof axis === 'number') writer.tag(1, WireType.Varint).int64(axis);
            else writeText(writer, 2, axis);
          });
        }
      });
    });
  });
}

function writeText(writer: BinaryWriter, field: number, text: string): void {
  writer.tag(field, WireType.LengthDelimited).string(text);
}

function writeMessage(writer: BinaryWriter, field: number, writeFields: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  writeFields();
  writer.join();
}
