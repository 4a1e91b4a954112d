/**
 * A detector's networks as files of other engines. Standardisation, laws and tables are in the detector's own artefact, which is
 * copied beside them.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromFixedPoint } from '@bhschain/models/architecture';
import { encodeDetector, networksLayout, type Detector } from '@bhschain/models/detector';
import { toOnnx } from '@bhschain/models/interop/onnx';
import { toSafetensors } from '@bhschain/models/interop/safetensors';
import { toLayersModel } from '@bhschain/models/interop/tfjs';

export const MODEL_FORMATS = ['tfjs', 'onnx', 'safetensors'] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** Writes into `dir` and returns the files' names. */
export function exportModel(detector: Detector, format: ModelFormat, dir: string): string[] {
  const parameters = fromFixedPoint(detector.parameters);
  const { parts } = networksLayout(
    detector.members.filter((member) => member.kind === 'autoencoder'),
  );
  const networks = Object.fromEntries(
    parts.map(({ spec, architecture, offset, parameterCount }) => [
      spec.name,
      { architecture, parameters: parameters.slice(offset, offset + parameterCount) },
    ]),
  );
  const files: [string, Uint8Array | string][] = [['detector.bin', encodeDetector(detector)]];
  if (format === 'onnx') files.push(['model.onnx', toOnnx(networks)]);
  if (format === 'safetensors') files.push(['model.safetensors', toSafetensors(networks)]);
  if (format === 'tfjs') {
    for (const [name, network] of Object.entries(networks)) {
      const { weightData, weightSpecs, ...model } = toLayersModel(network);
      const weights = `${name}.weights.bin`;
      const manifest = { ...model, weightsManifest: [{ paths: [weights], weights: weightSpecs }] };
      files.push(
        [`${name}.model.json`, JSON.stringify(manifest)],
        [weights, new Uint8Array(weightData)],
      );
    }
  }
  for (const [name, content] of files) writeFileSync(join(dir, name), content);
  return files.map(([name]) => name);
}
