import {
  FederationError,
  type FederationClient,
  type Hello,
} from '@bhschain/orchestrator/protocol';
import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../src/config.js';
import { greet } from '../src/parts/greeting.js';
import { openPrivacyLedger } from '../src/privacy-ledger/index.js';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

const rolledBack = (): FederationError => new FederationError('ERR_LEDGER_ROLLED_BACK', 'older');

function ledgerIn(stateDir: string): string {
  const ledger = openPrivacyLedger({
    file: join(stateDir, 'privacy-ledger.jsonl'),
    nodeId: 'H1',
    ceilings: {
      epsilonPerRound: 0.5,
      actorEpsilon: 8,
      actorHorizonDays: 30,
      windowsPerActorMax: 1,
    },
    now: () => 0,
  });
  const { hash } = ledger.head;
  ledger.close();
  return hash;
}

describe('a hello from beside the node', () => {
  it('shows the head of the privacy ledger', async () => {
    const stateDir = temporaryFolder();
    const hash = ledgerIn(stateDir);
    const shown: unknown[] = [];
    const client: Pick<FederationClient, 'hello'> = {
      hello: (o) => {
        shown.push(o.ledgerHead);
        return Promise.resolve({} as Hello);
      },
    };
    await greet(client, { stateDir } as NodeConfig, { software: 'test' });
    expect(shown).toEqual([{ seq: 0, hash }]);
  });

  it('tries once more if the running node was faster, and no further', async () => {
    const stateDir = temporaryFolder();
    const config = { stateDir } as NodeConfig;
    const failures = [rolledBack()];
    const hello = (): Promise<Hello> => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve({} as Hello) : Promise.reject(failure);
    };
    await greet({ hello }, config, { software: 'test' });
    failures.push(rolledBack(), rolledBack());
    await expect(greet({ hello }, config, { software: 'test' })).rejects.toMatchObject({
      code: 'ERR_LEDGER_ROLLED_BACK',
    });
    expect(failures).toEqual([]);
  });
});
