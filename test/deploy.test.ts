import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { PodSpec } from 'kubernetes-types/core/v1.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { LONGEST_STOP_MS } from '../packages/gateway/src/cli/gateway.ts'
import { brokenRules, createFilter, parseDockerfile } from '../scripts/deploy/dockerfile.mjs'
import { freePort } from './support/servers/free-port.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const DOCKERFILE = readFileSync('deploy/Dockerfile', 'utf8')
const IGNORED = readFileSync('.dockerignore', 'utf8')
const MANIFEST = readFileSync('deploy/kubernetes.yaml', 'utf8')
const POD_MONITOR = readFileSync('deploy/podmonitor.yaml', 'utf8')
const UNIT = readFileSync('deploy/postern.service', 'utf8')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-deploy-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the Dockerfile', () => {
  const filter = createFilter(IGNORED)
  const problemsOf = (text: string): readonly string[] =>
    brokenRules(parseDockerfile(text), (path: string) => existsSync(path) && filter(path))

  test('keeps its rules', () => {
    expect(problemsOf(DOCKERFILE)).toEqual([])
  })

  test.each([
    ['a tag that moves', /node:24\.21\.0-bookworm-slim/, 'node:latest', /exact version/],
    ['root', /^USER .*$/m, 'USER root', /USER: not root/],
    ['a user by name', /^USER .*$/m, 'USER node', /give numbers/],
    ['no user', /^USER .*$/m, '', /has no USER/],
    ['no health check', /^HEALTHCHECK .*$/m, '', /has no HEALTHCHECK/],
    ['a shell as PID 1', /^ENTRYPOINT .*$/m, 'ENTRYPOINT node postern.js', /exec form/],
    ['scripts of dependencies', /"--ignore-scripts", /, '', /npm ci --ignore-scripts/],
    ['what only builds', /"--omit=dev", /, '', /without --omit=dev/],
    ['a secret', /^ENV .*$/m, 'ENV POSTERN_ADMIN_TOKEN=x', /a secret stays/],
    ['a path that is not there', /^COPY scripts scripts$/m, 'COPY script scripts', /is not there/],
    ['a path that is ignored', /^COPY scripts scripts$/m, 'COPY docs docs', /leaves it out/],
    ['a stage that is not there', /--from=dependencies/, '--from=deps', /no stage deps/],
    ['ADD', /^COPY scripts scripts$/m, 'ADD scripts scripts', /ADD/],
  ])('with %s breaks one', (_what, from, to, expected) => {
    expect(DOCKERFILE).toMatch(from)
    expect(problemsOf(DOCKERFILE.replace(from, to)).join('\n')).toMatch(expected)
  })

  test('gets no secret, no test and nothing that was built elsewhere', () => {
    const left = [
      '.env',
      'deploy/tls.key',
      'packages/gateway/.env.local',
      '.postern/secrets.json',
      'packages/gateway/dist/index.js',
    ]
    const sent = [
      'package.json',
      'packages/gateway/src/index.ts',
      'deploy/healthcheck.mjs',
      'scripts/build.mjs',
    ]
    expect(left.filter(filter)).toEqual([])
    expect(filter('packages/gateway/src/cli/run.test.ts')).toBe(false)
    expect(sent.filter(filter)).toEqual(sent)
  })
})

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

interface Workload extends Manifest {
  readonly spec: {
    readonly replicas: number
    readonly selector: { readonly matchLabels: Labels }
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
  }
}

/** As the Prometheus Operator has it (monitoring.coreos.com/v1). */
interface PodMonitor extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: Labels }
    readonly podTargetLabels: readonly string[]
    readonly podMetricsEndpoints: readonly {
      readonly port: string
      readonly path: string
      readonly authorization: {
        readonly type: string
        readonly credentials: { readonly name: string; readonly key: string }
      }
    }[]
  }
}

type Labels = Readonly<Record<string, string>>

describe('the Kubernetes manifest', () => {
  const manifests = parseAllDocuments(MANIFEST).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS() as Manifest
  })
  // Read as what they are: the compiler has looked at each field.
  const workloads = manifests.filter(({ kind }) => kind === 'Deployment') as Workload[]

  test('is of the types that Kubernetes publishes, with no field that it would drop', () => {
    expect(compile(manifests)).toBe('')
    const [config, ...others] = manifests
    const misspelt = JSON.parse(
      JSON.stringify(others).replace('"readinessProbe"', '"readynessProbe"'),
    ) as Manifest[]
    expect(compile([config as Manifest, ...misspelt])).toMatch(/readynessProbe/)
  })

  test('has two of each role, each in one Deployment', () => {
    const roles = workloads.map(({ spec }) => [
      spec.replicas,
      spec.template.spec.containers[0]?.env?.find(({ name }) => name === 'POSTERN_ROLE')?.value,
    ])
    expect(roles).toEqual([
      [2, 'ingest'],
      [2, 'worker'],
    ])
  })

  test('is asked for its health where it answers', () => {
    for (const { spec } of workloads) {
      const [container] = spec.template.spec.containers
      const [startup, liveness, readiness] = [
        container?.startupProbe,
        container?.livenessProbe,
        container?.readinessProbe,
      ]
      expect([startup, liveness, readiness].map((probe) => probe?.httpGet?.path)).toEqual([
        '/healthz',
        '/healthz',
        '/readyz',
      ])
      expect(container?.ports).toContainEqual({ name: 'http', containerPort: 3000 })
    }
  })

  test('is given longer to stop than it takes', () => {
    for (const { spec } of workloads) {
      const { containers, terminationGracePeriodSeconds = 0 } = spec.template.spec
      const sleepS = Number(containers[0]?.lifecycle?.preStop?.exec?.command?.[1] ?? 0)
      expect(terminationGracePeriodSeconds).toBeGreaterThan(sleepS + LONGEST_STOP_MS / 1000)
    }
  })

  test('gives up every right that it does not need, and has its secrets by reference', () => {
    for (const { spec } of workloads) {
      const { containers, securityContext, automountServiceAccountToken } = spec.template.spec
      expect([securityContext?.runAsNonRoot, automountServiceAccountToken]).toEqual([true, false])
      expect(containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(containers[0]?.envFrom).toEqual([{ secretRef: { name: 'postern' } }])
      expect(containers[0]?.resources?.limits?.['memory']).toBeDefined()
    }
    const text = JSON.stringify(manifests)
    expect(text).not.toMatch(/_WEBHOOK_SECRET|_TOKEN|postgres:\/\//)
  })

  test('has its metrics scraped with the token that they ask for, and by nothing that has none', () => {
    expect(MANIFEST).not.toMatch(/prometheus\.io\/\w+:/)
    const [monitor] = parseAllDocuments(POD_MONITOR).map((document) => document.toJS() as PodMonitor)
    const { selector, podMetricsEndpoints, podTargetLabels } = monitor!.spec
    const [endpoint] = podMetricsEndpoints
    expect(podMetricsEndpoints).toHaveLength(1)
    expect(endpoint).toMatchObject({ path: '/metrics', authorization: { type: 'Bearer' } })
    const { name, key } = endpoint!.authorization.credentials
    // What the manifest's own comment makes the secret with.
    expect(MANIFEST).toMatch(new RegExp(`create secret generic ${name} [^]*?--from-literal=${key}=`))
    for (const { spec } of workloads) {
      const [container] = spec.template.spec.containers
      expect(spec.template.metadata.labels).toMatchObject(selector.matchLabels)
      expect(Object.keys(spec.template.metadata.labels)).toEqual(expect.arrayContaining([...podTargetLabels]))
      expect(container?.envFrom).toEqual([{ secretRef: { name } }])
      const port = container?.ports?.find((each) => each.name === endpoint!.port)?.containerPort
      const admin = container?.env?.find((each) => each.name === 'POSTERN_ADMIN')?.value
      expect(admin).toBe(`0.0.0.0:${port}`)
    }
  })

  test('keeps one of each through a disruption, and sends requests to those that take them', () => {
    const labelsOf = (name: string): Labels | undefined =>
      workloads.find(({ metadata }) => metadata.name === name)?.spec.template.metadata.labels
    for (const { spec } of workloads) expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels)
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget') as (Manifest & {
      readonly spec: { readonly minAvailable: number; readonly selector: { readonly matchLabels: Labels } }
    })[]
    expect(budgets.map(({ metadata, spec }) => [metadata.name, spec.minAvailable])).toEqual([
      ['postern-ingest', 1],
      ['postern-worker', 1],
    ])
    for (const { metadata, spec } of budgets)
      expect(spec.selector.matchLabels).toEqual(labelsOf(metadata.name))
    const service = manifests.find(({ kind }) => kind === 'Service') as Manifest & {
      spec: { selector: Labels }
    }
    expect(service.spec.selector).toEqual(labelsOf('postern-ingest'))
  })

  /** What the compiler says of them as literals of the published types: those know every field. */
  function compile(all: readonly Manifest[]): string {
    const file = join(folder, 'manifest.ts')
    const types = resolve('node_modules/kubernetes-types')
    const lines = all.map(({ apiVersion, ...rest }, index) => {
      const group = apiVersion === 'v1' ? 'core/v1' : apiVersion
      const literal = JSON.stringify({ apiVersion, ...rest })
      return `import type { ${rest.kind} as K${index} } from '${types}/${group}'\nexport const m${index}: K${index} = ${literal}\n`
    })
    writeFileSync(file, lines.join(''))
    const { stdout } = spawnSync(
      process.execPath,
      [
        'node_modules/typescript/bin/tsc',
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--ignoreConfig',
        '--module',
        'nodenext',
        file,
      ],
      { encoding: 'utf8' },
    )
    return stdout
  }
})

describe('the systemd unit', () => {
  const value = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)?.[1]

  test('gives it longer to stop than it takes, a folder of its own and no rights', () => {
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(LONGEST_STOP_MS / 1000)
    expect([
      value('DynamicUser'),
      value('StateDirectory'),
      value('ProtectSystem'),
      value('NoNewPrivileges'),
    ]).toEqual(['yes', 'postern', 'strict', 'yes'])
  })

  test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
    'is one that systemd understands',
    () => {
      const verified = spawnSync('systemd-analyze', ['verify', resolve('deploy/postern.service')], {
        encoding: 'utf8',
      })
      // That Node is elsewhere on this machine is no fault of the unit.
      const complaints = verified.stderr
        .split('\n')
        .filter((line) => line !== '' && !/is not executable/.test(line))
      expect(complaints).toEqual([])
    },
  )
})

const CAN_UNSHARE = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0

describe('the command as PID 1, as in a container without an init', () => {
  test.skipIf(!CAN_UNSHARE)('answers its health check, and ends in order on SIGTERM', async () => {
    const port = await freePort()
    const env = {
      PATH: process.env['PATH'],
      PORT: String(port),
      VASTAI_WEBHOOK_SECRET: 'serve_secret_0123456789abcdef',
    }
    const healthy = (): number | null =>
      spawnSync(process.execPath, [resolve('deploy/healthcheck.mjs')], { env }).status
    expect(healthy()).toBe(1)
    // Its parent gets the exit code; the signal goes to PID 1 itself, which the kernel shields from what it does not handle.
    const parent = spawn(
      'unshare',
      [
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        process.execPath,
        resolve('packages/gateway/bin/postern.js'),
        'serve',
      ],
      { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    parent.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const ended = once(parent, 'exit') as Promise<[number | null]>
    await vi.waitFor(() => expect(output).toContain('"msg":"listening"'), { timeout: 60_000, interval: 50 })
    expect(healthy()).toBe(0)
    const first = Number(
      execFileSync('ps', ['--ppid', String(parent.pid), '-o', 'pid='], { encoding: 'utf8' }),
    )
    process.kill(first, 'SIGTERM')
    expect((await ended)[0]).toBe(0)
    expect(output).toContain('SIGTERM: stopping')
  })
})
