// Reads a Dockerfile, as far as ours goes, and says which of our rules it breaks.

/** Its stages, each with its instructions: `{ image, name, steps: [{ verb, text, args }] }`. Exec forms are arrays in `args`. */
export function parseDockerfile(text) {
  const values = new Map()
  const stages = []
  for (const { verb, text: rest } of instructions(text)) {
    if (verb === 'ARG' && stages.length === 0) {
      const [name, value = ''] = rest.split('=')
      values.set(name, value)
    } else if (verb === 'FROM') {
      const [image, , name] = rest.split(/\s+/)
      stages.push({
        image: image.replace(/\$\{(\w+)\}/g, (_, each) => values.get(each) ?? ''),
        name,
        steps: [],
      })
    } else
      stages
        .at(-1)
        ?.steps.push({ verb, text: rest, args: execForm(rest.replace(/^(--\S+\s+)*(CMD\s+)?/, '')) })
  }
  return stages
}

function instructions(text) {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
  return joined.split('\n').map((line) => {
    const [, verb, rest] = /^\s*(\w+)\s+(.*)$/.exec(line)
    return { verb: verb.toUpperCase(), text: rest.trim() }
  })
}

function execForm(text) {
  try {
    const parsed = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** What is wrong, in words; empty where nothing is. `isThere` says whether a path of the build's folder exists and is sent along. */
export function brokenRules(stages, isThere) {
  const names = new Set(stages.flatMap(({ name }) => name ?? []))
  const last = stages.at(-1)
  const all = stages.flatMap(({ steps }) => steps)
  const problems = []
  const say = (isBroken, problem) => isBroken && problems.push(problem)

  for (const { image } of stages)
    say(!names.has(image) && !/:[^:/]*\d+\.\d+\.\d+/.test(image), `FROM ${image}: name an exact version`)
  for (const { verb, text, args } of all) {
    say(verb === 'ADD', `ADD ${text}: COPY does what it says, ADD also unpacks and fetches`)
    say(
      ['CMD', 'ENTRYPOINT', 'RUN'].includes(verb) && args === undefined,
      `${verb} ${text}: write the exec form, without a shell`,
    )
    say(verb === 'HEALTHCHECK' && args === undefined, `HEALTHCHECK ${text}: write the exec form`)
    say(
      /^(ENV|ARG)$/.test(verb) && /SECRET|TOKEN|PASSWORD|_KEY\b/i.test(text),
      `${verb} ${text.split('=')[0]}: a secret stays in the image for ever`,
    )
    say(verb === 'WORKDIR' && !text.startsWith('/'), `WORKDIR ${text}: give it from the root`)
    if (verb === 'RUN' && args?.[0] === 'npm')
      say(
        args[1] !== 'ci' || !args.includes('--ignore-scripts'),
        `RUN ${args.join(' ')}: npm ci --ignore-scripts`,
      )
    if (verb === 'COPY') problems.push(...brokenCopy(text, names, isThere))
  }
  const of = (verb) => last.steps.filter((step) => step.verb === verb).at(-1)
  for (const verb of ['USER', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD', 'VOLUME', 'EXPOSE'])
    say(of(verb) === undefined, `the last stage has no ${verb}`)
  say(/^(0|root)\b/.test(of('USER')?.text ?? ''), 'USER: not root')
  say(!/^\d+:\d+$/.test(of('USER')?.text ?? '0:0'), 'USER: give numbers, which Kubernetes can check')
  say(of('HEALTHCHECK')?.text === 'NONE', 'HEALTHCHECK: there is none')
  const used = stages.find(
    ({ name }) =>
      name !== undefined &&
      last.steps.some(({ text }) => text === `--from=${name} ${workdirOf(stages, name)} ./`),
  )
  const installs = used?.steps.filter(({ verb, args }) => verb === 'RUN' && args?.[0] === 'npm') ?? []
  say(
    !installs.every(({ args }) => args.includes('--omit=dev')) || installs.length === 0,
    'what runs is installed without --omit=dev',
  )
  return problems
}

function workdirOf(stages, name) {
  return stages.find((stage) => stage.name === name)?.steps.findLast(({ verb }) => verb === 'WORKDIR')?.text
}

function brokenCopy(text, names, isThere) {
  const { from, sources } = copyParts(text)
  if (from !== undefined) return names.has(from) ? [] : [`COPY ${text}: there is no stage ${from}`]
  return sources
    .filter((source) => !isThere(source))
    .map((source) => `COPY ${source}: is not there, or .dockerignore leaves it out`)
}

/** A COPY taken apart. */
export function copyParts(text) {
  const words = text.split(/\s+/)
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length)
  const paths = words.filter((word) => !word.startsWith('--'))
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) }
}

/**
 * What a `.dockerignore` sends along: the last pattern that fits a path or a folder above it decides. Patterns are names, `*`
 * and a leading two stars with a slash, as ours are.
 */
export function createFilter(text) {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ isKept: line.startsWith('!'), pattern: toPattern(line.replace(/^!/, '')) }))
  return (path) => {
    const parts = path.split('/')
    const folders = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    return rules.findLast(({ pattern }) => folders.some((folder) => pattern.test(folder)))?.isKept ?? true
  }
}

function toPattern(glob) {
  const anywhere = glob.startsWith('**/')
  const body = glob
    .replace(/^\*\*\//, '')
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
  return new RegExp(`^${anywhere ? '(?:.*/)?' : ''}${body}$`)
}
