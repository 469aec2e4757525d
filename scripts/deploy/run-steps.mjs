// Runs the steps of a Dockerfile without a container engine: each stage in a folder of its own, which stands for its root.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { copyParts } from './dockerfile.mjs'

/** Builds every stage under `folder`; answers the last one's root, with what its image would be started with. */
export function runSteps({ stages, context, filter, folder, say }) {
  const roots = new Map()
  let image
  for (const [index, { name, steps }] of stages.entries()) {
    const root = join(folder, name ?? String(index))
    mkdirSync(root)
    roots.set(name, root)
    image = { root, env: {}, workdir: '/' }
    for (const step of steps) apply(step, { image, roots, context, filter, say })
  }
  return image
}

function apply({ verb, text, args }, { image, roots, context, filter, say }) {
  if (verb === 'WORKDIR') {
    image.workdir = text
    mkdirSync(inRoot(image.root, text), { recursive: true })
  } else if (verb === 'COPY') copy(text, { image, roots, context, filter })
  else if (verb === 'ENV') Object.assign(image.env, Object.fromEntries([text.split('=')]))
  else if (verb === 'RUN') run(args, image, say)
  else if (verb === 'ENTRYPOINT' || verb === 'CMD' || verb === 'HEALTHCHECK') image[verb] = args
}

function run(args, { root, workdir, env }, say) {
  say(`RUN ${args.join(' ')}`)
  const { status } = spawnSync(args[0], args.slice(1), {
    cwd: inRoot(root, workdir),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`RUN ${args.join(' ')} ended with ${status}`)
}

function copy(text, { image, roots, context, filter }) {
  const { from, sources, target } = copyParts(text)
  const isFolder = target.endsWith('/') || sources.length > 1
  for (const source of sources) {
    const path = from === undefined ? join(context, source) : inRoot(roots.get(from), source)
    if (!existsSync(path)) throw new Error(`COPY ${text}: ${source} is not there`)
    const place = inRoot(image.root, target.startsWith('/') ? target : join(image.workdir, target))
    // As Docker does: of a folder its contents, of a file the file.
    const to = statSync(path).isDirectory() || !isFolder ? place : join(place, basename(path))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(path, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (each) => from !== undefined || each === path || filter(relative(context, each)),
    })
  }
}

/** A path of the image, where it is here. */
export function inRoot(root, path) {
  return join(root, path)
}
