/** Every page of `docs/` that nobody writes by hand. @module */
import { format } from 'prettier';
import { cliReference } from './cli-reference.js';
import { configReference } from './config-reference.js';
import { datasheet } from './datasheet.js';
import { doctorReference } from './doctor-reference.js';
import { errorReference } from './error-reference.js';
import { exportReference } from './export-reference.js';
import { grpcReference } from './grpc-reference.js';
import { metricsReference } from './metrics-reference.js';
import { modelCard } from './model-card.js';
import { restReference } from './rest-reference.js';

export interface GeneratedPage {
  /** From the root of the repository. */
  readonly file: string;
  readonly render: () => string | Promise<string>;
}

export const GENERATED_PAGES: readonly GeneratedPage[] = [
  { file: 'docs/reference/cli.md', render: cliReference },
  { file: 'docs/reference/configuration.md', render: configReference },
  { file: 'docs/reference/metrics.md', render: metricsReference },
  { file: 'docs/reference/rest.md', render: restReference },
  { file: 'docs/reference/grpc.md', render: grpcReference },
  { file: 'docs/reference/doctor.md', render: doctorReference },
  { file: 'docs/reference/exports.md', render: exportReference },
  { file: 'docs/reference/error-codes.md', render: errorReference },
  { file: 'docs/reference/model-card.md', render: modelCard },
  { file: 'docs/reference/datasheet.md', render: datasheet },
];

/** The page as it lies on disk. */
export async function textOf(page: GeneratedPage): Promise<string> {
  return format(await page.render(), { parser: 'markdown', printWidth: 100, singleQuote: true });
}
