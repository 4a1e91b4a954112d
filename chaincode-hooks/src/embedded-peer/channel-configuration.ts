/**
 * What the channel agrees on – members with their roots, who endorses, how many must – as a real configuration
 * transaction: block 0, and a further block whenever a spare hospital is activated or the policy changes. So the chain
 * carries everything that is needed to check it.
 *
 * Configuration transactions of a development ledger are unsigned: whoever owns the process owns the configuration.
 * Source: fabric-protos common/configtx.proto, common/policies.proto, msp/msp_config.proto.
 * @module
 */
import { common, msp } from '@hyperledger/fabric-protos';
import { MalformedMessageError } from './errors.js';
import { decode, decodeHeader, mapOf, present, type ProtobufMap } from './messages.js';

export interface ChannelMember {
  readonly mspId: string;
  readonly rootPem: string;
  /** Has an endorser. */
  readonly endorses: boolean;
}

export interface ChannelConfiguration {
  readonly channel: string;
  readonly chaincode: string;
  /** In the order of their MSP ids. */
  readonly members: readonly ChannelMember[];
  /** Different endorsing members whose agreement makes a transaction valid. */
  readonly outOf: number;
}

/** Our own value in the Application group: Fabric keeps chaincode definitions in its lifecycle namespace instead. */
const CHAINCODE_VALUE = 'DevelopmentChaincode';
const APPLICATION = 'Application';
const MSP_VALUE = 'MSP';
const ENDORSEMENT_POLICY = 'Endorsement';

/** The envelope of a configuration block; the same configuration and time give the same bytes. */
export function encodeConfiguration(
  configuration: ChannelConfiguration,
  sequence: number,
): Uint8Array {
  const application = new common.ConfigGroup();
  const members = [...configuration.members].sort((a, b) => (a.mspId < b.mspId ? -1 : 1));
  for (const member of members) {
    const group = new common.ConfigGroup();
    valuesOf(group).set(MSP_VALUE, configValue(encodeMsp(member)));
    groupsOf(application).set(member.mspId, group);
  }
  const chaincode = configValue(Buffer.from(configuration.chaincode, 'utf8'));
  valuesOf(application).set(CHAINCODE_VALUE, chaincode);
  policiesOf(application).set(ENDORSEMENT_POLICY, encodePolicy({ ...configuration, members }));
  const channel = new common.ConfigGroup();
  groupsOf(channel).set(APPLICATION, application);
  const config = new common.Config();
  config.setSequence(sequence);
  config.setChannelGroup(channel);
  const envelope = new common.ConfigEnvelope();
  envelope.setConfig(config);

  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG);
  channelHeader.setChannelId(configuration.channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(new common.SignatureHeader().serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(envelope.serializeBinary());
  const transaction = new common.Envelope();
  transaction.setPayload(payload.serializeBinary());
  return transaction.serializeBinary();
}

/** `null` if the envelope is not a configuration transaction. Throws if it is a broken one. */
export function decodeConfiguration(envelopeBytes: Uint8Array): ChannelConfiguration | null {
  const what = 'configuration';
  const envelope = decode(common.Envelope, envelopeBytes, what);
  const payload = decode(common.Payload, envelope.getPayload_asU8(), what);
  const header = decodeHeader(present(payload.getHeader(), 'header'));
  if (header.type !== common.HeaderType.CONFIG) return null;
  const config = decode(common.ConfigEnvelope, payload.getData_asU8(), what).getConfig();
  const channel = present(config?.getChannelGroup(), 'channel group');
  const application = present(groupsOf(channel).get(APPLICATION), 'Application group');
  const policy = present(policiesOf(application).get(ENDORSEMENT_POLICY), 'Endorsement policy');
  const { outOf, endorsers } = decodePolicy(policy);
  const chaincode = present(valuesOf(application).get(CHAINCODE_VALUE), 'chaincode');
  return {
    channel: header.channel,
    chaincode: Buffer.from(chaincode.getValue_asU8()).toString('utf8'),
    members: [...groupsOf(application).entries()].map(([mspId, member]) => {
      const value = present(valuesOf(member).get(MSP_VALUE), `MSP of ${mspId}`);
      return { mspId, rootPem: decodeRoot(value), endorses: endorsers.has(mspId) };
    }),
    outOf,
  };
}

const groupsOf = (group: common.ConfigGroup): ProtobufMap<common.ConfigGroup> =>
  mapOf(group.getGroupsMap());
const valuesOf = (group: common.ConfigGroup): ProtobufMap<common.ConfigValue> =>
  mapOf(group.getValuesMap());
const policiesOf = (group: common.ConfigGroup): ProtobufMap<common.ConfigPolicy> =>
  mapOf(group.getPoliciesMap());

function configValue(bytes: Uint8Array): common.ConfigValue {
  const value = new common.ConfigValue();
  value.setValue(bytes);
  return value;
}

function encodeMsp(member: ChannelMember): Uint8Array {
  const root = Buffer.from(member.rootPem, 'utf8');
  const unit = (name: string): msp.FabricOUIdentifier => {
    const identifier = new msp.FabricOUIdentifier();
    identifier.setCertificate(root);
    identifier.setOrganizationalUnitIdentifier(name);
    return identifier;
  };
  const units = new msp.FabricNodeOUs();
  units.setEnable(true);
  units.setClientOuIdentifier(unit('client'));
  units.setPeerOuIdentifier(unit('peer'));
  units.setAdminOuIdentifier(unit('admin'));
  const fabric = new msp.FabricMSPConfig();
  fabric.setName(member.mspId);
  fabric.setRootCertsList([root]);
  fabric.setFabricNodeOus(units);
  const config = new msp.MSPConfig();
  config.setConfig(fabric.serializeBinary());
  return config.serializeBinary();
}

function decodeRoot(value: common.ConfigValue): string {
  const config = decode(msp.MSPConfig, value.getValue_asU8(), 'MSP');
  const fabric = decode(msp.FabricMSPConfig, config.getConfig_asU8(), 'MSP');
  const root = present(fabric.getRootCertsList_asU8()[0], 'root certificate');
  return Buffer.from(root).toString('utf8');
}

function encodePolicy(configuration: ChannelConfiguration): common.ConfigPolicy {
  const endorsers = configuration.members.filter(({ endorses }) => endorses);
  const rules = endorsers.map((_, index) => {
    const rule = new common.SignaturePolicy();
    rule.setSignedBy(index);
    return rule;
  });
  const outOf = new common.SignaturePolicy.NOutOf();
  outOf.setN(configuration.outOf);
  outOf.setRulesList(rules);
  const rule = new common.SignaturePolicy();
  rule.setNOutOf(outOf);
  const signature = new common.SignaturePolicyEnvelope();
  signature.setRule(rule);
  signature.setIdentitiesList(
    endorsers.map(({ mspId }) => {
      const role = new msp.MSPRole();
      role.setMspIdentifier(mspId);
      role.setRole(msp.MSPRole.MSPRoleType.PEER);
      const principal = new msp.MSPPrincipal();
      principal.setPrincipal(role.serializeBinary());
      return principal;
    }),
  );
  const policy = new common.Policy();
  policy.setType(common.Policy.PolicyType.SIGNATURE);
  policy.setValue(signature.serializeBinary());
  const configPolicy = new common.ConfigPolicy();
  configPolicy.setPolicy(policy);
  return configPolicy;
}

function decodePolicy(policy: common.ConfigPolicy): { outOf: number; endorsers: Set<string> } {
  const bytes = present(policy.getPolicy(), 'policy').getValue_asU8();
  const signature = decode(common.SignaturePolicyEnvelope, bytes, 'policy');
  const outOf = signature.getRule()?.getNOutOf()?.getN() ?? 0;
  const endorsers = signature.getIdentitiesList().map((principal) => {
    return decode(msp.MSPRole, principal.getPrincipal_asU8(), 'principal').getMspIdentifier();
  });
  if (outOf < 1 || outOf > endorsers.length) {
    const reason = `${outOf} out of ${endorsers.length} cannot be met`;
    throw new MalformedMessageError({ what: 'Endorsement policy', reason });
  }
  return { outOf, endorsers: new Set(endorsers) };
}
