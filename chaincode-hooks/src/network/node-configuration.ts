/**
 * `orderer.yaml` and `core.yaml` of each node (JSON is YAML). Everything stands here: nodes get no environment but their
 * folder. Values that are not Fabric's defaults say why.
 * @module
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOST, type Hospital } from './topology.js';

/** External builder for chaincode that runs as a service. */
const BUILDER = fileURLToPath(new URL('../../network/builder', import.meta.url));

/** Name of the environment variable that tells the builder where a peer's connection files lie. */
export const CONNECTIONS_VARIABLE = 'CCAAS_CONNECTIONS';

export function connectionsDir({ peer }: Hospital): string {
  return join(peer.dir, 'chaincode-connections');
}

const CRYPTO = { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } };

export function ordererConfiguration({ orderer }: Hospital): object {
  const tls = (file: string): string => join(orderer.cryptoDir, 'tls', file);
  return {
    General: {
      ListenAddress: HOST,
      ListenPort: orderer.port,
      TLS: {
        Enabled: true,
        PrivateKey: tls('server.key'),
        Certificate: tls('server.crt'),
        RootCAs: [tls('ca.crt')],
        ClientAuthRequired: false,
      },
      Keepalive: { ServerMinInterval: '60s', ServerInterval: '7200s', ServerTimeout: '20s' },
      Backoff: { BaseDelay: '1s', Multiplier: 1.6, MaxDelay: '5s' },
      Profile: { Enabled: false },
      // Nodes that join at once ask each other for blocks; with the default of 5 s each waits that long.
      Cluster: { SendBufferSize: 100, ReplicationPullTimeout: '1s' },
      LocalMSPDir: join(orderer.cryptoDir, 'msp'),
      LocalMSPID: orderer.mspId,
      BCCSP: CRYPTO,
      Authentication: { TimeWindow: '15m' },
    },
    FileLedger: { Location: join(orderer.nodeDir, 'ledger') },
    Operations: {
      ListenAddress: `${HOST}:${orderer.operationsPort}`,
      TLS: { Enabled: false },
    },
    Metrics: { Provider: 'prometheus' },
    Admin: {
      ListenAddress: `${HOST}:${orderer.adminPort}`,
      TLS: {
        Enabled: true,
        Certificate: tls('server.crt'),
        PrivateKey: tls('server.key'),
        ClientAuthRequired: true,
        ClientRootCAs: [tls('ca.crt')],
      },
    },
    ChannelParticipation: { Enabled: true, MaxRequestBodySize: '1 MB' },
    Consensus: { WALDir: join(orderer.nodeDir, 'wal'), SnapDir: join(orderer.nodeDir, 'snap') },
  };
}

export function peerConfiguration({ mspId, domain, peer }: Hospital): object {
  const address = `${HOST}:${peer.port}`;
  const chaincodeAddress = `${HOST}:${peer.chaincodePort}`;
  const tls = (file: string): object => ({ file: join(peer.cryptoDir, 'tls', file) });
  return {
    peer: {
      id: `peer0.${domain}`,
      networkId: 'consortium',
      // The default is all interfaces.
      listenAddress: address,
      address,
      chaincodeListenAddress: chaincodeAddress,
      chaincodeAddress,
      localMspId: mspId,
      mspConfigPath: join(peer.cryptoDir, 'msp'),
      localMspType: 'bccsp',
      profile: { enabled: false },
      fileSystemPath: join(peer.dir, 'data'),
      gateway: {
        enabled: true,
        endorsementTimeout: '10s',
        broadcastTimeout: '10s',
        dialTimeout: '10s',
      },
      keepalive: {
        interval: '7200s',
        timeout: '20s',
        minInterval: '10s',
        client: { interval: '60s', timeout: '20s' },
        deliveryClient: { interval: '60s', timeout: '20s' },
      },
      gossip: {
        bootstrap: address,
        // Without it no other organisation asks this peer to endorse.
        externalEndpoint: address,
        useLeaderElection: false,
        orgLeader: true,
        // The first dial of an anchor peer often fails; by default the next comes 25 s later.
        reconnectInterval: '2s',
        aliveTimeInterval: '2s',
        aliveExpirationTimeout: '10s',
        publishStateInfoInterval: '2s',
        requestStateInfoInterval: '2s',
        state: { enabled: false },
        pvtData: {
          implicitCollectionDisseminationPolicy: { requiredPeerCount: 0, maxPeerCount: 1 },
        },
      },
      tls: {
        enabled: true,
        clientAuthRequired: false,
        cert: tls('server.crt'),
        key: tls('server.key'),
        rootcert: tls('ca.crt'),
      },
      authentication: { timewindow: '15m' },
      BCCSP: CRYPTO,
      // Of the peer's own command line, on a machine that may be busy.
      client: { connTimeout: '10s' },
      deliveryclient: {
        blockGossipEnabled: false,
        reconnectTotalTimeThreshold: '3600s',
        connTimeout: '3s',
        reConnectBackoffThreshold: '5s',
        blockCensorshipTimeoutKey: '10s',
        minimalReconnectInterval: '100ms',
        policy: 'cluster',
      },
      handlers: {
        authFilters: [
          { name: 'DefaultAuth' },
          { name: 'ExpirationCheck' },
          { name: 'TimeWindowCheck' },
        ],
        decorators: [{ name: 'DefaultDecorator' }],
        endorsers: { escc: { name: 'DefaultEndorsement' } },
        validators: { vscc: { name: 'DefaultValidation' } },
      },
      discovery: {
        enabled: true,
        authCacheEnabled: true,
        authCacheMaxSize: 1000,
        authCachePurgeRetentionRatio: 0.75,
        orgMembersAllowedAccess: false,
      },
      limits: {
        concurrency: { endorserService: 2500, deliverService: 2500, gatewayService: 500 },
      },
      maxRecvMsgSize: 104_857_600,
      maxSendMsgSize: 104_857_600,
    },
    // Docker's default address would make /healthz answer 503.
    vm: { endpoint: '' },
    chaincode: {
      mode: 'net',
      keepalive: 0,
      installTimeout: '60s',
      startuptimeout: '30s',
      executetimeout: '10s',
      externalBuilders: [
        { name: 'ccaas', path: BUILDER, propagateEnvironment: [CONNECTIONS_VARIABLE] },
      ],
      system: { _lifecycle: 'enable', cscc: 'enable', lscc: 'enable', qscc: 'enable' },
      logging: { level: 'info', shim: 'warning' },
      runtimeParams: {
        useWriteBatch: true,
        maxSizeWriteBatch: 1000,
        useGetMultipleKeys: true,
        maxSizeGetMultipleKeys: 1000,
      },
    },
    ledger: {
      state: { stateDatabase: 'goleveldb', totalQueryLimit: 100_000 },
      history: { enableHistoryDatabase: true },
      pvtdataStore: {
        collElgProcMaxDbBatchSize: 5000,
        collElgProcDbBatchesInterval: 1000,
        deprioritizedDataReconcilerInterval: '60m',
        purgeInterval: 100,
        purgedKeyAuditLogging: true,
      },
      snapshots: { rootDir: join(peer.dir, 'snapshots') },
    },
    operations: { listenAddress: `${HOST}:${peer.operationsPort}`, tls: { enabled: false } },
    metrics: { provider: 'prometheus' },
  };
}
