/**
 * `npm run demo`. This file loads nothing that an old Node could not parse, so that the first sentence a newcomer reads
 * is about the version and not about syntax.
 * @module
 */
const REQUIRED = [20, 20, 2] as const;

const running = process.versions.node.split('.').map(Number);
const difference = REQUIRED.map((part, index) => (running[index] ?? 0) - part).find((d) => d !== 0);

if (difference !== undefined && difference < 0) {
  process.stderr.write(
    `ERR_DEMO_NODE_VERSION: Node ${REQUIRED.join('.')} or newer is needed, this is ${process.versions.node}\n`,
  );
  process.exit(2);
}

const { demo } = await import('./command.js');
process.exit(await demo(process.argv.slice(2)));
