/**
 * A network as a TF.js LayersModel, and back: model artifacts as `tf.io.fromMemory` takes them, without importing TF.js.
 * Several networks are several models.
 *
 * Keras has the same gate order (i, f, c, o) and one bias, so tensors go over as they are; only the output layer is cut into
 * one layer a head. A LayersModel knows no lengths: it reconstructs full windows.
 * @module
 */
import {
  checkArchitecture,
  layoutOf,
  type Architecture,
  type ColumnGroup,
  type ParameterLayout,
} from '../architecture/index.js';
import { checkNetwork, headsOf, refuse, type NetworkParameters } from './networks.js';

/** The part of TF.js' `io.ModelArtifacts` that is filled. */
export interface LayersModelArtifacts {
  readonly format: 'layers-model';
  readonly generatedBy: string;
  readonly modelTopology: object;
  readonly weightSpecs: readonly { name: string; shape: number[]; dtype: 'float32' }[];
  readonly weightData: ArrayBuffer;
}

/** One weight of a LayersModel, and the columns of our tensor that it is. */
interface Weight {
  readonly layer: string;
  readonly part: string;
  readonly shape: readonly number[];
  /** Rows of the tensor, and the place of the first of them in the flat vector. */
  readonly rows: number;
  readonly start: number;
  /** Parameters of a row: of the weight, and of the tensor. */
  readonly width: number;
  readonly across: number;
}

export function toLayersModel(network: NetworkParameters): LayersModelArtifacts {
  const layout = checkNetwork(network);
  const weights = weightsOf(layout);
  const data = new Float32Array(layout.parameterCount);
  let at = 0;
  for (const { rows, start, width, across } of weights) {
    for (let row = 0; row < rows; row++) {
      const from = start + row * across;
      data.set(network.parameters.subarray(from, from + width), at);
      at += width;
    }
  }
  return {
    format: 'layers-model',
    generatedBy: 'bhschain models',
    modelTopology: topologyOf(layout.architecture),
    weightSpecs: weights.map(({ layer, part, shape }) => ({
      name: `${layer}/${part}`,
      shape: [...shape],
      dtype: 'float32',
    })),
    weightData: data.buffer,
  };
}

/**
 * Reads artifacts of the same layers, such as `model.save` of an exported and further trained model gives.
 * @throws {InteropError} `ERR_INTEROP` if a layer, a weight or a shape is missing or differs
 */
export function fromLayersModel(artifacts: LayersModelArtifacts): NetworkParameters {
  const layout = layoutOf(architectureOf(artifacts.modelTopology));
  const weights = weightsOf(layout);
  const parameters = new Float32Array(layout.parameterCount);
  const { weightSpecs, weightData } = artifacts;
  let at = 0;
  const found = new Set<Weight>();
  for (const { name, shape, dtype } of weightSpecs) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const weight = weights.find((candidate) => isNameOf(name, candidate));
    if (weight === undefined) throw refuse('weight', 'one of this network', name);
    if ((dtype as string) !== 'float32') throw refuse(`${name} dtype`, 'float32', dtype);
    if (shape.join('x') !== weight.shape.join('x')) {
      throw refuse(`${name} shape`, weight.shape.join('x'), shape.join('x'));
    }
    if (4 * (at + size) > weightData.byteLength) {
      throw refuse('weightData', `at least ${4 * (at + size)} bytes`, weightData.byteLength);
    }
    const { rows, start, width, across } = weight;
    for (let row = 0; row < rows; row++) {
      parameters.set(new Float32Array(weightData, 4 * at, width), start + row * across);
      at += width;
    }
    found.add(weight);
  }
  const missing = weights.find((weight) => !found.has(weight));
  if (missing !== undefined) {
    throw refuse('weights', `${missing.layer}/${missing.part} among them`, 'none');
  }
  return { architecture: layout.architecture, parameters };
}

/** In the order in which Keras saves them. */
function weightsOf({ tensors, architecture }: ParameterLayout): Weight[] {
  const weight = (
    layer: string,
    part: string,
    source: string,
    columns?: { first: number; size: number },
  ): Weight => {
    const { shape, offset } = tensors.find(({ name }) => name === source)!;
    const across = shape.at(-1)!;
    const { first, size: width } = columns ?? { first: 0, size: across };
    const rows = shape.length === 1 ? 1 : shape[0]!;
    const own = shape.length === 1 ? [width] : [rows, width];
    return { layer, part, shape: own, rows, start: offset + first, width, across };
  };
  const lstm = (layer: string): Weight[] => [
    weight(layer, 'kernel', `${layer}/input`),
    weight(layer, 'recurrent_kernel', `${layer}/recurrent`),
    weight(layer, 'bias', `${layer}/bias`),
  ];
  return [
    ...lstm('encoder'),
    weight('latent', 'kernel', 'latent/weights'),
    weight('latent', 'bias', 'latent/bias'),
    ...lstm('decoder'),
    ...headsOf(architecture).flatMap((head, i, heads) => [
      weight(headName(i, heads), 'kernel', 'output/weights', head),
      weight(headName(i, heads), 'bias', 'output/bias', head),
    ]),
  ];
}

function headName(index: number, heads: readonly unknown[]): string {
  return heads.length === 1 ? 'output' : `head${index}`;
}

/** TF.js may put a prefix or suffix on either part (`decoder_1/lstm_cell/bias`). */
function isNameOf(name: string, { layer, part }: Weight): boolean {
  const parts = name.split('/');
  return parts.at(-1) === part && parts.some((given) => given.replace(/_\d+$/, '') === layer);
}

function topologyOf(architecture: Architecture): object {
  const { steps, features, hidden, latent } = architecture;
  const dense = (name: string, units: number, activation = 'linear'): Layer => ({
    class_name: 'Dense',
    config: { name, units, activation, use_bias: true, trainable: true },
  });
  const lstm = (name: string, returnSequences: boolean): Layer => ({
    class_name: 'LSTM',
    config: {
      name,
      units: hidden,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      unit_forget_bias: true,
      recurrent_initializer: { class_name: 'Zeros', config: {} },
      implementation: 1,
      return_sequences: returnSequences,
      trainable: true,
    },
  });
  const chain = [
    {
      class_name: 'InputLayer',
      config: {
        name: 'windows',
        batch_input_shape: [null, steps, features],
        dtype: 'float32',
        sparse: false,
      },
    },
    lstm('encoder', false),
    dense('latent', latent),
    { class_name: 'RepeatVector', config: { name: 'repeat', n: steps, trainable: true } },
    lstm('decoder', true),
  ];
  const heads = headsOf(architecture).map(({ size, categorical }, i, all) =>
    dense(headName(i, all), size, categorical ? 'softmax' : 'linear'),
  );
  const joined =
    heads.length === 1
      ? []
      : [{ class_name: 'Concatenate', config: { name: 'output', axis: -1, trainable: true } }];
  return {
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
    model_config: {
      class_name: 'Model',
      config: {
        name: 'autoencoder',
        layers: [
          ...chain.map((layer, i) => bound(layer, i === 0 ? [] : [chain[i - 1]!])),
          ...heads.map((head) => bound(head, [chain.at(-1)!])),
          ...joined.map((layer) => bound(layer, heads)),
        ],
        input_layers: [['windows', 0, 0]],
        output_layers: [['output', 0, 0]],
      },
    },
  };
}

interface Layer {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

function bound(layer: Layer, sources: readonly Layer[]): object {
  const inputs = sources.map(({ config }) => [config['name'], 0, 0, {}]);
  return { ...layer, name: layer.config['name'], inbound_nodes: inputs.length > 0 ? [inputs] : [] };
}

/** Takes our graph of layers, and the plain chain of a Sequential model. */
function architectureOf(topology: object): Architecture {
  const root = topology as { model_config?: { config?: unknown }; config?: unknown };
  const config = (root.model_config ?? root).config as
    { layers?: readonly Partial<Layer>[] } | readonly Partial<Layer>[] | undefined;
  const given = config !== undefined && 'layers' in config ? config.layers : config;
  const layers = (Array.isArray(given) ? (given as readonly Partial<Layer>[]) : []).filter(
    ({ class_name: name }) => name !== 'InputLayer' && name !== 'Concatenate',
  );
  const classes = layers.map(({ class_name: name }) => name).join(' ');
  if (!/^LSTM Dense RepeatVector LSTM( Dense)+$/.test(classes)) {
    throw refuse('layers', 'LSTM Dense RepeatVector LSTM Dense …', classes);
  }
  const [encoder, code, repeat, decoder, ...heads] = layers.map(({ config: c }) => c ?? {});
  if (encoder!['units'] !== decoder!['units']) {
    throw refuse('decoder units', String(encoder!['units']), String(decoder!['units']));
  }
  for (const lstm of [encoder, decoder]) {
    if (lstm!['recurrent_activation'] !== 'sigmoid' || lstm!['activation'] !== 'tanh') {
      throw refuse(
        'activations',
        'tanh and sigmoid',
        `${String(lstm!['activation'])} and ${String(lstm!['recurrent_activation'])}`,
      );
    }
  }
  const groups: ColumnGroup[] = [];
  let features = 0;
  for (const head of heads) {
    const activation = String(head['activation']);
    const size = Number(head['units']);
    if (activation === 'softmax') groups.push({ first: features, size });
    else if (activation !== 'linear') throw refuse('head', 'linear or softmax', activation);
    features += size;
  }
  return checkArchitecture({
    steps: Number(repeat!['n']),
    features,
    hidden: Number(encoder!['units']),
    latent: Number(code!['units']),
    groups,
  });
}
