/**
 * Spans for whoever registers an OpenTelemetry SDK (`tracing.setupModule`); without one they cost nothing and go nowhere.
 * Attributes are slots, versions and codes: never a person, a log line or a parameter.
 * @module
 */
import { SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import { codeOf } from './errors.js';

const INSTRUMENTATION = '@bhschain/hospital-node';

/** Runs `body` inside a span; a throw is recorded by its code and thrown on. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  body: () => Promise<T>,
): Promise<T> {
  // Looked up each time: the SDK may be registered after this module was loaded.
  const tracer = trace.getTracer(INSTRUMENTATION);
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await body();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
