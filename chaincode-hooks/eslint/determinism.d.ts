import type { Linter } from 'eslint';

export declare const determinism: Linter.Config[];
