/**
 * The members of a detector, ready to judge: one kernel a network.
 * @module
 */
import { fromFixedPoint } from '../architecture/index.js';
import type { Detector } from '../detector/detector.js';
import { createKernel, type Kernel } from '../kernel/index.js';
import { autoencoderMember } from './autoencoder-member.js';
import { featuresMember } from './features-member.js';
import { integerMember } from './integer-members.js';
import type { Member } from './member.js';
import { networksLayout } from './networks.js';

export interface ReadyMember extends Member {
  /** Of an autoencoder, with its parameters. */
  readonly kernel?: Kernel;
}

/** In the detector's order. */
export function membersOf(detector: Detector): ReadyMember[] {
  const { normaliser, strata } = detector;
  const { parts } = networksLayout(
    detector.members.filter((member) => member.kind === 'autoencoder'),
  );
  const parameters = fromFixedPoint(detector.parameters);
  return detector.members.map((member): ReadyMember => {
    if (member.kind === 'features') return featuresMember({ ...member, normaliser, strata });
    if (member.kind !== 'autoencoder') return integerMember(member.kind, member.name);
    const { architecture, offset, parameterCount } = parts.find(({ spec }) => spec === member)!;
    const kernel = createKernel(architecture);
    kernel.setParameters(parameters.slice(offset, offset + parameterCount));
    return {
      ...autoencoderMember({ spec: member, kernel, normaliser, strata, laws: member.laws }),
      kernel,
    };
  });
}
