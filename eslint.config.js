import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { determinism } from './chaincode-hooks/eslint/determinism.js';

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/generated/**',
      'models/assembly/**',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
      'coverage/**',
      '.demo/**',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: [
          './*/tsconfig.json',
          // Before the tests, some of which import from pages: a page knows what a browser has.
          './hospital-node/console/tsconfig.json',
          './orchestrator/dashboard/tsconfig.json',
          './tsconfig.test.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      // Typed arrays are read in bounds that the loop states; `!` says so where an `if` would only be noise.
      '@typescript-eslint/no-non-null-assertion': 'off',
      eqeqeq: 'error',
    },
  },
  // Contract code must give the same bytes on every endorser.
  ...determinism,
);
