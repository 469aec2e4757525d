import { readdir } from 'node:fs/promises'
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import type { Family } from './prometheus-text.ts'

const RESOLUTION_MS = 20

/** What every process tells of itself, under the names that dashboards know (those of Prometheus' own clients). */
export class ProcessMetrics {
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #startedS = Date.now() / 1000 - process.uptime()

  constructor() {
    this.#loopDelay.enable()
  }

  stop(): void {
    this.#loopDelay.disable()
  }

  async read(): Promise<readonly Family[]> {
    const { rss, heapUsed, heapTotal } = process.memoryUsage()
    const cpu = process.cpuUsage()
    const openFiles = await countOpenFiles()
    return [
      {
        type: 'counter',
        name: 'process_cpu_seconds_total',
        help: 'Processor time, of the user and of the system',
        samples: [{ value: (cpu.user + cpu.system) / 1e6 }],
      },
      gauge('process_start_time_seconds', 'When the process started, since the epoch', this.#startedS),
      gauge('process_resident_memory_bytes', 'Memory that is resident', rss),
      gauge('nodejs_heap_size_used_bytes', 'Heap that is used', heapUsed),
      gauge('nodejs_heap_size_total_bytes', 'Heap that there is', heapTotal),
      ...(openFiles === undefined
        ? []
        : [gauge('process_open_fds', 'File descriptors that are open', openFiles)]),
      ...this.#readLoopDelay(),
    ]
  }

  /** Since the last reading: a mean since the start hides what is now. */
  #readLoopDelay(): readonly Family[] {
    const hasAny = this.#loopDelay.count > 0
    const families = [
      gauge(
        'nodejs_eventloop_lag_p99_seconds',
        'How late timers were, the 99th percentile since the last scrape',
        hasAny ? lateS(this.#loopDelay.percentile(99)) : 0,
      ),
      gauge(
        'nodejs_eventloop_lag_max_seconds',
        'How late timers were at most since the last scrape',
        hasAny ? lateS(this.#loopDelay.max) : 0,
      ),
    ]
    this.#loopDelay.reset()
    return families
  }
}

/** Node counts the timer's own interval as well. */
function lateS(ns: number): number {
  return Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000)
}

/** Linux alone has them as files. */
async function countOpenFiles(): Promise<number | undefined> {
  return readdir('/proc/self/fd').then(
    (entries) => entries.length,
    () => undefined,
  )
}

function gauge(name: string, help: string, value: number): Family {
  return { type: 'gauge', name, help, samples: [{ value }] }
}
