/**
 * Caliper 0.6 workload: every call is an access in a session of its own, so that calls in flight do not conflict. Caliper counts a
 * quarantined call as a success, since it is committed; so this module counts dispositions itself and says them at the end.
 */
'use strict';

const { randomBytes } = require('node:crypto');
const { WorkloadModuleBase } = require('@hyperledger/caliper-core');

class GuardedAccess extends WorkloadModuleBase {
  constructor() {
    super();
    this.dispositions = new Map();
  }

  async submitTransaction() {
    const session = randomBytes(8).toString('hex');
    const result = await this.sutAdapter.sendRequests({
      contractId: 'bhschain',
      contractFunction: 'RecordAccessContract:requestAccess',
      contractArguments: [
        session,
        `H1-${randomBytes(8).toString('hex')}`,
        'treatment',
        'notes',
        '1',
        '',
      ],
      readOnly: false,
    });
    this.count(result);
  }

  count(result) {
    let disposition = result.GetStatus();
    try {
      disposition = JSON.parse(Buffer.from(result.GetResult()).toString('utf8')).disposition;
    } catch {
      // No reply of the contract: the status says what there is to say.
    }
    this.dispositions.set(disposition, (this.dispositions.get(disposition) ?? 0) + 1);
  }

  async cleanupWorkloadModule() {
    const counted = JSON.stringify(Object.fromEntries(this.dispositions));
    process.stdout.write(`worker ${this.workerIndex}, round ${this.roundIndex}: ${counted}\n`);
  }
}

module.exports.createWorkloadModule = () => new GuardedAccess();
