import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { ProcessSignals } from './process-signals.ts'

function setUp(): {
  readonly signals: ProcessSignals
  readonly emit: (signal: string) => void
  readonly raised: string[]
} {
  const raised: string[] = []
  const emitter = Object.assign(new EventEmitter(), { raise: (signal: string) => void raised.push(signal) })
  const signals = new ProcessSignals(emitter)
  return { signals, emit: (signal) => void emitter.emit(signal, signal), raised }
}

test('a signal that came while the program was loaded reaches the command', async () => {
  const { signals, emit, raised } = setUp()
  emit('SIGTERM')
  const heard: string[] = []
  signals.subscribe((signal) => heard.push(signal))
  signals.loaded()
  await Promise.resolve()
  emit('SIGINT')
  expect(heard).toEqual(['SIGTERM', 'SIGINT'])
  expect(raised).toEqual([])
})

test('a command that does without is ended as ever, also by one that came early', () => {
  const { signals, emit, raised } = setUp()
  emit('SIGINT')
  expect(raised).toEqual([])
  signals.loaded()
  expect(raised).toEqual(['SIGINT'])
})

test('after the command no longer listens a signal ends the process', () => {
  const { signals, emit, raised } = setUp()
  const forget = signals.subscribe(() => {})
  signals.loaded()
  forget()
  emit('SIGTERM')
  expect(raised).toEqual(['SIGTERM'])
})
