/**
 * The channel's genesis: members, ordering, policies (`configtx.yaml`; JSON is YAML).
 *
 * Endorsement is written out as `OutOf(m, …)` over the hospitals: an implicit majority would count OpsMSP, which has no peer.
 * @module
 */
import { join } from 'node:path';
import { HOST, type Hospital, type Organisation, type Topology } from './topology.js';

export const PROFILE = 'Consortium';

export function endorsementRule({ majority, hospitals }: Topology): string {
  return `OutOf(${majority}, ${hospitals.map(({ mspId }) => `'${mspId}.peer'`).join(', ')})`;
}

const signature = (rule: string): object => ({ Type: 'Signature', Rule: rule });
const implicit = (rule: string): object => ({ Type: 'ImplicitMeta', Rule: rule });
const BY_MEMBERS = {
  Readers: implicit('ANY Readers'),
  Writers: implicit('ANY Writers'),
  Admins: implicit('MAJORITY Admins'),
};

export function channelProfile(topology: Topology): object {
  const { hospitals, ops, batch } = topology;
  const endorsement = signature(endorsementRule(topology));
  return {
    Profiles: {
      [PROFILE]: {
        Policies: BY_MEMBERS,
        Capabilities: { V3_0: true },
        Orderer: {
          ...(topology.ordering === 'bft' ? bft(topology) : raft(topology)),
          BatchTimeout: `${batch.timeoutMs}ms`,
          BatchSize: {
            MaxMessageCount: batch.messagesMax,
            AbsoluteMaxBytes: '10 MB',
            PreferredMaxBytes: '2 MB',
          },
          Organizations: hospitals.map(({ orderer }) => ({
            Name: orderer.mspId,
            ID: orderer.mspId,
            MSPDir: join(orderer.dir, 'msp'),
            OrdererEndpoints: [`${HOST}:${orderer.port}`],
            Policies: {
              Readers: signature(`OR('${orderer.mspId}.member')`),
              Writers: signature(`OR('${orderer.mspId}.member')`),
              Admins: signature(`OR('${orderer.mspId}.admin')`),
            },
          })),
          Policies: { ...BY_MEMBERS, BlockValidation: implicit('ANY Writers') },
          Capabilities: { V2_0: true },
        },
        Application: {
          Organizations: [
            ...hospitals.map((hospital) => ({
              ...application(hospital, [`'${hospital.mspId}.peer'`]),
              AnchorPeers: [{ Host: HOST, Port: hospital.peer.port }],
            })),
            application(ops, []),
          ],
          Policies: { ...BY_MEMBERS, LifecycleEndorsement: endorsement, Endorsement: endorsement },
          Capabilities: { V2_5: true },
        },
      },
    },
  };
}

function application({ mspId, dir }: Organisation, peers: readonly string[]): object {
  const people = [`'${mspId}.admin'`, `'${mspId}.client'`];
  return {
    Name: mspId,
    ID: mspId,
    MSPDir: join(dir, 'msp'),
    Policies: {
      Readers: signature(`OR(${[...people, ...peers].join(',')})`),
      Writers: signature(`OR(${people.join(',')})`),
      Admins: signature(`OR('${mspId}.admin')`),
      Endorsement: signature(`OR('${mspId}.peer')`),
    },
  };
}

function bft({ hospitals, batch }: Topology): object {
  return {
    OrdererType: 'BFT',
    ConsenterMapping: hospitals.map(({ number, orderer }) => ({
      ID: number,
      Host: HOST,
      Port: orderer.port,
      MSPID: orderer.mspId,
      Identity: ordererCertificate({ orderer }),
      ClientTLSCert: join(orderer.cryptoDir, 'tls', 'server.crt'),
      ServerTLSCert: join(orderer.cryptoDir, 'tls', 'server.crt'),
    })),
    SmartBFT: {
      RequestBatchMaxCount: batch.messagesMax,
      RequestBatchMaxBytes: 10_485_760,
      // The block timer under BFT; BatchTimeout is Raft's.
      RequestBatchMaxInterval: `${batch.timeoutMs}ms`,
      IncomingMessageBufferSize: 200,
      RequestPoolSize: 10_000,
      RequestForwardTimeout: '2s',
      RequestComplainTimeout: '6s',
      RequestAutoRemoveTimeout: '3m',
      ViewChangeResendInterval: '2s',
      ViewChangeTimeout: '10s',
      LeaderHeartbeatTimeout: '10s',
      LeaderHeartbeatCount: 10,
      CollectTimeout: '1s',
      SyncOnStart: true,
      SpeedUpViewChange: false,
    },
  };
}

/** The certificate under which an orderer signs blocks. */
export function ordererCertificate({ orderer }: Pick<Hospital, 'orderer'>): string {
  return join(orderer.cryptoDir, 'msp', 'signcerts', `node.${orderer.domain}-cert.pem`);
}

function raft({ hospitals }: Topology): object {
  return {
    OrdererType: 'etcdraft',
    EtcdRaft: {
      Consenters: hospitals.map(({ orderer }) => ({
        Host: HOST,
        Port: orderer.port,
        ClientTLSCert: join(orderer.cryptoDir, 'tls', 'server.crt'),
        ServerTLSCert: join(orderer.cryptoDir, 'tls', 'server.crt'),
      })),
      Options: {
        TickInterval: '500ms',
        ElectionTick: 10,
        HeartbeatTick: 1,
        MaxInflightBlocks: 5,
        SnapshotIntervalSize: '16 MB',
      },
    },
  };
}
