/**
 * Hooks for OpenTelemetry: one span a call, with the trace that the caller brought along. Without a registered SDK (none
 * is a dependency) every line of this is a no-op.
 * @module
 */
import type { Metadata } from '@grpc/grpc-js';
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type TextMapGetter,
} from '@opentelemetry/api';

const FROM_METADATA: TextMapGetter<Metadata> = {
  keys: (metadata) => Object.keys(metadata.getMap()),
  get: (metadata, key) => metadata.get(key).map(String),
};

/** Runs a call inside a span that says which method it is and which code it ended with. */
export function traced<T>(
  method: string,
  metadata: Metadata,
  run: () => Promise<T>,
  codeOf: (cause: unknown) => string,
): Promise<T> {
  const parent = propagation.extract(context.active(), metadata, FROM_METADATA);
  const span = trace
    .getTracer('@bhschain/orchestrator')
    .startSpan(
      method,
      { kind: SpanKind.SERVER, attributes: { 'rpc.system': 'grpc', 'rpc.method': method } },
      parent,
    );
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await run();
    } catch (cause) {
      const code = codeOf(cause);
      span.setAttribute('bhs.code', code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      throw cause;
    } finally {
      span.end();
    }
  });
}
