#!/usr/bin/env node
// Exists before the build does, so that npm can link it.
await import('../dist/cli.js');
