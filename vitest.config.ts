import { defineConfig } from 'vitest/config';

const rooms = [
  'dp',
  'models',
  'datasets',
  'orchestrator',
  'chaincode-hooks',
  'hospital-node',
  'experiments',
];

const report = process.env['BHS_TEST_REPORT'];

/** One project a room, so that `vitest run --project dp` is the tests of that room; `house` walks the tree. */
export default defineConfig({
  test: {
    // CI reads the counts, and what failed, from files; people read the terminal.
    reporters:
      report === undefined
        ? ['default']
        : [
            'default',
            ['json', { outputFile: report }],
            ['./.ci/failed-tests.js', { file: `${report}.failed` }],
          ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      ...rooms.map((room) => ({
        extends: true as const,
        test: {
          name: room,
          root: room,
          include: ['test/**/*.test.ts'],
          // A whole consortium on two cores is enough for one machine at a time.
          fileParallelism: room !== 'experiments',
        },
      })),
      {
        extends: true as const,
        test: { name: 'house', include: ['tidy.test.ts', 'mutants.test.ts'] },
      },
      {
        // A real Fabric network; `npm test` leaves it to `npm run test:fabric`, which needs Go to build the peers once.
        extends: true as const,
        test: {
          name: 'fabric',
          root: 'chaincode-hooks',
          include: ['test/network/*.fabric.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
