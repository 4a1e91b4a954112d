import { describeLedger } from './ledger-conformance.js';
import { startEmbeddedLedger } from './ledger-fixture.js';

describeLedger('embedded peer, two of two', () => startEmbeddedLedger({ active: 2, outOf: 2 }));
