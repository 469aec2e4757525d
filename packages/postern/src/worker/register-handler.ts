import { PosternError } from '../core/index.ts'
import { UNNAMED_DESTINATION, type Handler, type HandlerOptions, type Registration } from './handler.ts'

const NAME = /^[a-z0-9_-]{1,64}$/
/** Of any length: what is a delivery's number is not to hang on how many digits it has. */
const NUMBER = /^\d+$/
/** All, or one without a `*`, or the beginning of some. */
const TYPE = /^(?:\*|[^*]*|[^*]+\.\*)$/

/** Makes registrations; `On` gives it its types. Refuses what would match nothing, or could only go wrong later. */
export function registerHandler<Effect, Tx>(
  source: string,
  type: string,
  handler: Handler<string, never, Effect, Tx>,
  options: HandlerOptions = {},
): Registration<Effect, Tx> {
  assertText(source, 'the source')
  assertText(type, 'the type')
  const of = `the handler of ${source} ${type}`
  if (!TYPE.test(type)) {
    throw unsound(
      `no event has the type ${JSON.stringify(type)}; give its whole type, a beginning such as 'instance.*', or '*'`,
    )
  }
  if (typeof handler !== 'function') throw unsound(`${of} is not a function`)
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw unsound(`the options of ${of} must be an object`)
  const { name = UNNAMED_DESTINATION, when, ...given } = options
  if (typeof name !== 'string' || !NAME.test(name))
    throw unsound(`a handler's name must match ${NAME.source}: got ${JSON.stringify(name)}`)
  if (NUMBER.test(name)) {
    throw unsound(
      `the name '${name}' of ${of} is a number, which an operator's command takes for a delivery's ('postern redrive ${name}'): give it a letter as well`,
    )
  }
  if (when !== undefined && typeof when !== 'function')
    throw unsound(`the condition \`when\` of ${of} is not a function`)
  // Undefined is as good as absent: kept, it would take the place of what another handler of the destination says.
  const limits = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const hasLimits = Object.keys(limits).length > 0
  if (hasLimits && options.name === undefined) {
    throw unsound(
      `${of} has limits of its own (${Object.keys(limits).join(', ')}), which takes a name: without one it shares its destination with others`,
    )
  }
  return {
    source,
    type,
    destination: name,
    handler,
    ...(hasLimits && { limits }),
    ...(when !== undefined && { when }),
  }
}

/** Whatever a caller without a compiler has put there: lists, patterns, what is not there. */
function assertText(value: unknown, what: string): void {
  if (typeof value === 'string') return
  const several = Array.isArray(value) ? '; call `on` once for each' : ''
  throw unsound(`${what} that \`on\` is given must be a text: got ${kindOf(value)}${several}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return value instanceof RegExp ? 'a pattern' : String(value === null ? null : typeof value)
}

function unsound(problem: string): PosternError {
  return new PosternError('bad_config', `handlers: ${problem}`)
}
