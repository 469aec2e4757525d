import {
  context,
  createContextKey,
  defaultTextMapGetter,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type Span,
} from '@opentelemetry/api'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Occurrence, Registration, WebhookEvent } from 'postern'

/*
 * Spans for whoever has loaded an OpenTelemetry SDK, as by `node --import ./telemetry.mjs`; without one every call below
 * does nothing. Attributes are ids, types and names: never a body, a header, an error's message or a URL, whose query may
 * be a secret.
 */

const tracer = trace.getTracer('@postern/gateway')
const RECEIVING = createContextKey('the span of a request that is being received')

type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * A span for each request. It begins a trace of its own and has the sender's as a link: whoever can reach a public listener
 * would otherwise choose which of our requests are sampled, and under which trace they are found.
 */
export function tracedReceiving(node: NodeHandler): NodeHandler {
  return (request, response) => {
    const active = context.active()
    // An instrumentation of `node:http` may have begun one already.
    const parent = trace.getSpan(active) === undefined ? ROOT_CONTEXT : active
    const span = tracer.startSpan(
      'postern receive',
      {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': request.method ?? '' },
        links: linksTo(request.headers.traceparent),
      },
      parent,
    )
    response.once('close', () => end(span, response))
    const receiving = trace.setSpan(parent, span).setValue(RECEIVING, span)
    return context.with(receiving, () => node(request, response))
  }
}

/** Says on the span of the request that is being received what became of it. */
export function traceOccurrence(occurrence: Occurrence): void {
  if (occurrence.kind === 'attempted') return
  const span = context.active().getValue(RECEIVING) as Span | undefined
  if (span === undefined) return
  if (occurrence.source !== '') span.updateName(`postern receive ${occurrence.source}`)
  if (occurrence.kind === 'rejected') {
    span.setAttributes({ 'postern.source': occurrence.source, 'postern.reason': occurrence.reason })
    return
  }
  span.setAttributes({
    ...attributesOf(occurrence),
    'postern.outcome': occurrence.outcome,
    'postern.event.seq': occurrence.eventSeq,
    'postern.deliveries': occurrence.deliveries,
  })
}

/** A span for each try of a handler, active while it runs, and with the trace that the sender was in as a link. */
export function tracedHandlers<Effect, Tx>(
  registrations: readonly Registration<Effect, Tx>[],
): readonly Registration<Effect, Tx>[] {
  return registrations.map((registration) => {
    const { destination, handler } = registration
    const traced: typeof handler = (event, handling) => {
      if (!hasSdk()) return handler(event, handling)
      return tracer.startActiveSpan(
        `postern handle ${destination}`,
        {
          kind: SpanKind.CONSUMER,
          attributes: {
            ...attributesOf(event),
            'postern.destination': destination,
            'postern.attempt': handling.attempt,
          },
          links: linksTo(traceparentOf(event)),
        },
        ROOT_CONTEXT,
        async (span) => {
          try {
            return await handler(event, handling)
          } catch (error) {
            span.setAttribute('error.type', error instanceof Error ? error.name : typeof error)
            span.setStatus({ code: SpanStatusCode.ERROR })
            throw error
          } finally {
            span.end()
          }
        },
      )
    }
    return { ...registration, handler: traced }
  })
}

/** Attributes and links are made for an SDK alone: without one they cost a delivery 3 µs, and nobody sees them. */
function hasSdk(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('postern') !== undefined
}

function end(span: Span, response: ServerResponse): void {
  span.setAttribute('http.response.status_code', response.statusCode)
  if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

function attributesOf({ source, id, type }: Pick<WebhookEvent, 'id' | 'source' | 'type'>): Attributes {
  return { 'postern.source': source, 'postern.event.id': id, 'postern.event.type': type }
}

/** Read by the SDK's own propagator, which knows what is well-formed; nothing where it is not, or where there is none. */
function linksTo(traceparent: string | string[] | undefined): Link[] {
  if (traceparent === undefined) return []
  const extracted = propagation.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter)
  const spanContext = trace.getSpanContext(extracted)
  return spanContext === undefined ? [] : [{ context: spanContext }]
}

function traceparentOf({ headers }: Pick<WebhookEvent, 'headers'>): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'traceparent')
  return at < 0 ? undefined : headers[at + 1]
}
