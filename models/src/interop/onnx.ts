/**
 * Networks as an ONNX model (IR 8, opset 14) of two LSTM nodes each. Inputs: `windows` float [n, steps, features], padded
 * with anything, and `lengths` int32 [n]; output `reconstruction` float [n, steps, features], of which the rows before a
 * window's length count: numbers, and in a categorical group probabilities. With several networks every name starts with the
 * network's and a slash.
 * Source: onnx/onnx.proto and the operator reference of LSTM (gates in the order i, o, f, c).
 * @module
 */
import {
  checkNetwork,
  headsOf,
  named,
  type Head,
  type NetworkParameters,
  type Networks,
} from './networks.js';
import { ProtobufWriter } from './protobuf-writer.js';

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
/** Place of our gates i, f, g, o in the order i, o, f, c. */
const GATES = [0, 3, 1, 2];

export function toOnnx(given: NetworkParameters | Networks): Uint8Array {
  const graphs = named(given).map(([name, network]) =>
    graphOf(network, name === '' ? '' : `${name}/`),
  );
  const graph = new ProtobufWriter();
  for (const { nodes } of graphs) for (const part of nodes) graph.message(1, part);
  graph.text(2, 'autoencoder');
  for (const { initializers } of graphs) for (const part of initializers) graph.message(5, part);
  for (const { inputs } of graphs) for (const part of inputs) graph.message(11, part);
  for (const { outputs } of graphs) for (const part of outputs) graph.message(12, part);
  return new ProtobufWriter()
    .integer(1, 8)
    .text(2, 'bhschain models')
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 14))
    .done();
}

interface Graph {
  readonly nodes: readonly ProtobufWriter[];
  readonly initializers: readonly ProtobufWriter[];
  readonly inputs: readonly ProtobufWriter[];
  readonly outputs: readonly ProtobufWriter[];
}

function graphOf(network: NetworkParameters, prefix: string): Graph {
  const layout = checkNetwork(network);
  const { parameters } = network;
  const { steps, features, hidden, latent } = layout.architecture;
  const tensor = (name: string): Float32Array => {
    const { offset, size } = layout.tensors.find((t) => t.name === name)!;
    return parameters.subarray(offset, offset + size);
  };
  const floats = (name: string, dims: number[], values: Float32Array): ProtobufWriter =>
    tensorProto(prefix + name, FLOAT, dims, new Uint8Array(Float32Array.from(values).buffer));
  const integers = (name: string, values: number[]): ProtobufWriter =>
    tensorProto(
      prefix + name,
      INT64,
      [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  const own = (names: string[]): string[] =>
    names.map((name) => (name === '' ? '' : prefix + name));
  const node: Node = (operator, inputs, outputs, attributes) =>
    nodeProto(operator, own(inputs), own(outputs), attributes);
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

  const heads = headsOf(layout.architecture);
  const linear = heads.every(({ categorical }) => !categorical);
  return {
    nodes: [
      node('Transpose', ['windows'], ['series'], { perm: [1, 0, 2] }),
      lstm('encoder', 'series', ['', 'last']),
      node('Squeeze', ['last', 'axis_0'], ['state']),
      node('Gemm', ['state', 'latent_W', 'latent_B'], ['code']),
      node('Unsqueeze', ['code', 'axis_0'], ['code_once']),
      node('Expand', ['code_once', 'repeat'], ['codes']),
      lstm('decoder', 'codes', ['directions']),
      node('Squeeze', ['directions', 'axis_1'], ['states']),
      node('MatMul', ['states', 'output_W'], ['products']),
      node('Add', ['products', 'output_B'], ['outputs']),
      ...(linear ? [] : headNodes(node, heads)),
      node('Transpose', [linear ? 'outputs' : 'guesses'], ['reconstruction'], { perm: [1, 0, 2] }),
    ],
    initializers: [
      ...lstmWeights('encoder', features),
      ...lstmWeights('decoder', latent),
      floats('latent_W', [hidden, latent], tensor('latent/weights')),
      floats('latent_B', [latent], tensor('latent/bias')),
      floats('output_W', [hidden, features], tensor('output/weights')),
      floats('output_B', [features], tensor('output/bias')),
      integers('axis_0', [0]),
      integers('axis_1', [1]),
      integers('repeat', [steps, 1, 1]),
      ...(linear
        ? []
        : [
            integers(
              'head_sizes',
              heads.map(({ size }) => size),
            ),
          ]),
    ],
    inputs: [
      valueInfo(`${prefix}windows`, FLOAT, ['n', steps, features]),
      valueInfo(`${prefix}lengths`, INT32, ['n']),
    ],
    outputs: [valueInfo(`${prefix}reconstruction`, FLOAT, ['n', steps, features])],
  };
}

type Node = (
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes?: Readonly<Record<string, number | number[]>>,
) => ProtobufWriter;

/** From `outputs` to `guesses`: a softmax over each group. */
function headNodes(node: Node, heads: readonly Head[]): ProtobufWriter[] {
  const cut = heads.map((_, i) => `head_${i}`);
  const done = heads.map(({ categorical }, i) => (categorical ? `chances_${i}` : `head_${i}`));
  return [
    node('Split', ['outputs', 'head_sizes'], cut, { axis: 2 }),
    ...heads.flatMap(({ categorical }, i) =>
      categorical ? [node('Softmax', [cut[i]!], [done[i]!], { axis: 2 })] : [],
    ),
    node('Concat', done, ['guesses'], { axis: 2 }),
  ];
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

function nodeProto(
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
