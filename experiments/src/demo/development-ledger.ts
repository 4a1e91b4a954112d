/** The development ledger: one process orders and commits, real chaincode processes endorse. @module */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  ledgerConfigOf,
  openConsortium,
  provisionConsortium,
  type Consortium,
  type LedgerConfig,
} from '@bhschain/chaincode-hooks/embedded-peer';
import { CHAINCODE, CHANNEL, type DemoLedger, type LedgerOptions } from './ledger-plan.js';
import { moduleOf, writeJson } from './modules.js';
import { freePorts } from './ports.js';

const PACKAGE_ID = `${CHAINCODE}_1.0:${createHash('sha256').update('development ledger').digest('hex')}`;

export function createDevelopmentLedger(o: LedgerOptions, nowMs: number): DemoLedger {
  return developmentLedger(o, provisionConsortium({ dir: o.paths.ledger, nowMs }));
}

export function openDevelopmentLedger(o: LedgerOptions): DemoLedger {
  return developmentLedger(o, openConsortium({ dir: o.paths.ledger }));
}

function developmentLedger(
  { paths, hospitals }: LedgerOptions,
  organisations: Consortium,
): DemoLedger {
  const majority = Math.floor(hospitals.length / 2) + 1;
  return {
    kind: 'development',
    authority: (mspId) => organisations.authority(mspId),
    async plan() {
      const count = hospitals.length;
      const free = await freePorts(1 + 2 * count);
      const listen = free[0]!;
      const chaincodePorts = free.slice(1, 1 + count);
      const metricsPorts = free.slice(1 + count);
      const chaincode = hospitals.map((nodeId, index) => ({
        name: `${nodeId}-chaincode`,
        module: moduleOf('chaincode-hooks', 'server.js'),
        configFile: writeJson(join(paths.hospital(nodeId), 'chaincode.json'), {
          address: `127.0.0.1:${chaincodePorts[index]!}`,
          chaincodeId: PACKAGE_ID,
          metricsPort: metricsPorts[index]!,
          tls: {
            cert: join(paths.ledger, 'msp', `${nodeId}MSP`, 'chaincode-tls.pem'),
            key: join(paths.ledger, 'msp', `${nodeId}MSP`, 'chaincode-tls-key.pem'),
            clientCa: join(paths.ledger, 'tls', 'ca.pem'),
          },
        }),
      }));
      const ledger = {
        name: 'ledger',
        module: moduleOf('chaincode-hooks', 'embedded-peer/main.js'),
        configFile: writeJson(
          join(paths.ledger, 'config.json'),
          withSpareMembers(
            ledgerConfigOf(organisations, {
              channel: CHANNEL,
              chaincode: { name: CHAINCODE, packageId: PACKAGE_ID },
              listen: { host: '127.0.0.1', port: listen },
              blocksDir: paths.blocks,
              chaincodeAddresses: Object.fromEntries(
                hospitals.map((nodeId, index) => [
                  `${nodeId}MSP`,
                  `127.0.0.1:${chaincodePorts[index]!}`,
                ]),
              ),
              outOf: majority,
              chaincodeTls: true,
            }),
          ),
        ),
      };
      return {
        banner: `development ledger (one process orders and commits; not Fabric consensus), ${count} endorsing chaincode processes, policy ${majority} of ${count}`,
        processes: [...chaincode, ledger],
        endpoints: () => [`127.0.0.1:${listen}`],
        tlsRoot: organisations.tlsRootFile,
        chaincodeMetricsPorts: metricsPorts,
        otherResidentMb: () => 0,
      };
    },
  };
}

/**
 * Organisations that no hospital of the demo has are members of the channel without an endorser, so that a further
 * hospital can join while everything runs: what it may do there is decided by the federation's own roster on the channel.
 */
function withSpareMembers(config: LedgerConfig): LedgerConfig {
  const spare = config.organisations.filter(({ active }) => !active);
  return {
    ...config,
    organisations: config.organisations.filter(({ active }) => active),
    clientOrganisations: [
      ...config.clientOrganisations,
      ...spare.map(({ mspId, caFile }) => ({ mspId, caFile })),
    ],
  };
}
