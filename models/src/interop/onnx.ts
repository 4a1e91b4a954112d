/**
 * The network as an ONNX model (IR 8, opset 14) of two LSTM nodes. Inputs: `windows` float [n, steps, features], padded with
 * anything, and `lengths` int32 [n]; output `reconstruction` float [n, steps, features], of which the rows before a window's
 * length count.
 * Source: onnx/onnx.proto and the operator reference of LSTM (gates in the order i, o, f, c).
 * @module
 */
import { layoutOf } from '../architecture/index.js';
import { InteropError } from '../errors.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { NetworkParameters } from './safetensors.js';

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
/** Place of our gates i, f, g, o in the order i, o, f, c. */
const GATES = [0, 3, 1, 2];

export function toOnnx({ architecture, parameters }: NetworkParameters): Uint8Array {
  const layout = layoutOf(architecture);
  if (parameters.length !== layout.parameterCount) {
    throw new InteropError(
      'ERR_INTEROP',
      `parameters: expected ${layout.parameterCount}, got ${parameters.length}`,
      { got: parameters.length, expected: layout.parameterCount },
    );
  }
  const { steps, features, hidden, latent } = layout.architecture;
  const tensor = (name: string): Float32Array => {
    const { offset, size } = layout.tensors.find((t) => t.name === name)!;
    return parameters.subarray(offset, offset + size);
  };
  const floats = (name: string, dims: number[], values: Float32Array): ProtobufWriter =>
    tensorProto(name, FLOAT, dims, new Uint8Array(Float32Array.from(values).buffer));
  const integers = (name: string, values: number[]): ProtobufWriter =>
    tensorProto(
      name,
      INT64,
      [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  const lstmWeights = (layer: string, inputs: number): ProtobufWriter[] => [
    floats(
      `${layer}_W`,
      [1, 4 * hidden, inputs],
      gatesFirst(tensor(`${layer}/input`), inputs, hidden),
    ),
    floats(
      `${layer}_R`,
      [1, 4 * hidden, hidden],
      gatesFirst(tensor(`${layer}/recurrent`), hidden, hidden),
    ),
    floats(`${layer}_B`, [1, 8 * hidden], twoBiases(tensor(`${layer}/bias`), hidden)),
  ];
  const lstm = (layer: string, input: string, outputs: string[]): ProtobufWriter =>
    node('LSTM', [input, `${layer}_W`, `${layer}_R`, `${layer}_B`, 'lengths'], outputs, {
      hidden_size: hidden,
    });

  const graph = new ProtobufWriter()
    .message(1, node('Transpose', ['windows'], ['series'], { perm: [1, 0, 2] }))
    .message(1, lstm('encoder', 'series', ['', 'last']))
    .message(1, node('Squeeze', ['last', 'axis_0'], ['state']))
    .message(1, node('Gemm', ['state', 'latent_W', 'latent_B'], ['code']))
    .message(1, node('Unsqueeze', ['code', 'axis_0'], ['code_once']))
    .message(1, node('Expand', ['code_once', 'repeat'], ['codes']))
    .message(1, lstm('decoder', 'codes', ['directions']))
    .message(1, node('Squeeze', ['directions', 'axis_1'], ['states']))
    .message(1, node('MatMul', ['states', 'output_W'], ['products']))
    .message(1, node('Add', ['products', 'output_B'], ['outputs']))
    .message(1, node('Transpose', ['outputs'], ['reconstruction'], { perm: [1, 0, 2] }))
    .text(2, 'autoencoder');
  const initializers = [
    ...lstmWeights('encoder', features),
    ...lstmWeights('decoder', latent),
    floats('latent_W', [hidden, latent], tensor('latent/weights')),
    floats('latent_B', [latent], tensor('latent/bias')),
    floats('output_W', [hidden, features], tensor('output/weights')),
    floats('output_B', [features], tensor('output/bias')),
    integers('axis_0', [0]),
    integers('axis_1', [1]),
    integers('repeat', [steps, 1, 1]),
  ];
  for (const initializer of initializers) graph.message(5, initializer);
  graph
    .message(11, valueInfo('windows', FLOAT, ['n', steps, features]))
    .message(11, valueInfo('lengths', INT32, ['n']))
    .message(12, valueInfo('reconstruction', FLOAT, ['n', steps, features]));
  return new ProtobufWriter()
    .integer(1, 8)
    .text(2, 'bhschain models')
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 14))
    .done();
}

/** `[inputs, 4 H]` in our gate order to `[4 H, inputs]` in ONNX's. */
function gatesFirst(weights: Float32Array, inputs: number, hidden: number): Float32Array {
  const out = new Float32Array(weights.length);
  GATES.forEach((source, gate) => {
    for (let unit = 0; unit < hidden; unit++) {
      for (let k = 0; k < inputs; k++) {
        out[(gate * hidden + unit) * inputs + k] =
          weights[k * 4 * hidden + source * hidden + unit]!;
      }
    }
  });
  return out;
}

/** ONNX adds two biases; the second is 0. */
function twoBiases(bias: Float32Array, hidden: number): Float32Array {
  const out = new Float32Array(8 * hidden);
  GATES.forEach((source, gate) => {
    out.set(bias.subarray(source * hidden, (source + 1) * hidden), gate * hidden);
  });
  return out;
}

function tensorProto(name: string, type: number, dims: number[], raw: Uint8Array): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const dim of dims) proto.integer(1, dim);
  return proto.integer(2, type).text(8, name).bytes(9, raw);
}

function node(
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes: Readonly<Record<string, number | number[]>> = {},
): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of inputs) proto.text(1, input);
  for (const output of outputs) proto.text(2, output);
  proto.text(4, operator);
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = new ProtobufWriter().text(1, name);
    if (typeof value === 'number') attribute.integer(3, value).integer(20, 2);
    else {
      for (const entry of value) attribute.integer(8, entry);
      attribute.integer(20, 7);
    }
    proto.message(5, attribute);
  }
  return proto;
}

function valueInfo(name: string, type: number, dims: (string | number)[]): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const dim of dims) {
    const dimension = new ProtobufWriter();
    shape.message(1, typeof dim === 'number' ? dimension.integer(1, dim) : dimension.text(2, dim));
  }
  const tensor = new ProtobufWriter().integer(1, type).message(2, shape);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensor));
}
