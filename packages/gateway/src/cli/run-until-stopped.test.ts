import { expect, test, vi } from 'vitest'
import type { RunningGateway } from './gateway.ts'
import { runUntilStopped } from './run-until-stopped.ts'

function setUp(): {
  readonly calls: string[]
  readonly signal: (name?: string) => void
  readonly fail: (error: unknown) => void
  readonly pass: (ms: number) => void
  readonly listeners: () => number
  readonly run: (start?: () => Promise<RunningGateway>) => Promise<number>
} {
  const calls: string[] = []
  const onSignal = new Set<(name: string) => void>()
  const onFatal = new Set<(error: unknown) => void>()
  let nowMs = 0
  const note = (what: string) => (): void => void calls.push(what)
  const gateway: RunningGateway = {
    port: 1,
    adminUrl: undefined,
    engine: 'none',
    stop: async () => note('stop')(),
    setSecret: () => {},
    stopAccepting: async () => note('stop accepting')(),
  }
  return {
    calls,
    signal: (name = 'SIGTERM') => onSignal.forEach((listener) => listener(name)),
    fail: (error) => onFatal.forEach((listener) => listener(error)),
    pass: (ms) => void (nowMs += ms),
    listeners: () => onSignal.size + onFatal.size,
    run: (start = async () => gateway) =>
      runUntilStopped({
        context: {
          now: () => nowMs,
          onSignal: listen(onSignal),
          onFatal: listen(onFatal),
          exit: (code) => note(`exit ${code}`)(),
        },
        reporter: {
          log: {
            debug() {},
            info() {},
            warn() {},
            error: (_message, fields) => note(String(fields?.['error']))(),
          },
          observe() {},
          flush: async () => note('flush')(),
        },
        start,
      }),
  }
}

test('a signal stops it in order', async () => {
  const { run, signal, calls, listeners } = setUp()
  const ended = run()
  await Promise.resolve()
  signal()
  expect(await ended).toBe(0)
  expect(calls).toEqual(['stop', 'flush'])
  expect(listeners()).toBe(0)
})

test('a second signal ends it at once', async () => {
  const { run, signal, calls, pass } = setUp()
  const ended = run()
  signal()
  pass(1000)
  signal('SIGINT')
  expect(calls).toEqual(['exit 1'])
  await ended
})

test('a second signal is one also where the clock was set back', async () => {
  const { run, signal, calls, pass } = setUp()
  const ended = run()
  signal()
  pass(-3_600_000)
  signal()
  expect(calls).toEqual(['exit 1'])
  await ended
})

test('the echo of a Ctrl-C that npm passes on is not a second one', async () => {
  const { run, signal, calls, pass } = setUp()
  const ended = run()
  signal('SIGINT')
  pass(20)
  signal('SIGINT')
  expect(calls).toEqual([])
  expect(await ended).toBe(0)
})

test('a signal while it starts stops it as soon as it has started', async () => {
  const { run, signal, calls } = setUp()
  let started: ((gateway: RunningGateway) => void) | undefined
  const ended = run(() => new Promise((resolve) => (started = resolve)))
  signal()
  started?.({
    port: 1,
    adminUrl: undefined,
    engine: 'none',
    stop: async () => void calls.push('stopped'),
    setSecret: () => {},
    stopAccepting: async () => {},
  })
  expect(await ended).toBe(0)
  expect(calls).toEqual(['stopped', 'flush'])
})

test('a signal ends a start that never comes to an end', async () => {
  vi.useFakeTimers()
  try {
    const { run, signal } = setUp()
    const ended = run(() => new Promise(() => {}))
    signal()
    await vi.advanceTimersByTimeAsync(6000)
    expect(await ended).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('what nobody caught is logged, ends accepting, and is a failure', async () => {
  const { run, fail, calls } = setUp()
  const ended = run()
  await Promise.resolve()
  fail(new Error('boom'))
  expect(await ended).toBe(1)
  expect(calls).toEqual(['Error: boom', 'flush', 'stop accepting', 'flush'])
})

test('what fails while it ends because of a failure ends it at once', async () => {
  const { run, fail, calls } = setUp()
  const ended = run()
  fail(new Error('one'))
  fail(new Error('two'))
  expect(calls).toContain('exit 1')
  await ended
})

test('a start that fails is told to the caller', async () => {
  const { run, listeners } = setUp()
  await expect(run(() => Promise.reject(new Error('no store')))).rejects.toThrow('no store')
  expect(listeners()).toBe(0)
})

/** Keeps a listener until it is forgotten. */
function listen<T>(listeners: Set<T>): (listener: T) => () => void {
  return (listener) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
}
