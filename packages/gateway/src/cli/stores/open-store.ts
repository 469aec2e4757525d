import type { StoreInspection, StoreSetting } from 'postern'
import { ConfigError } from '../../config/problem.ts'
import type { StoreKind, StoreLocation } from '../../config/store-url.ts'
import { explainFailure } from './explain-failure.ts'
import { postgresOpener } from './postgres-store.ts'
import { redisOpener } from './redis-store.ts'
import { sqliteOpener } from './sqlite-store.ts'
import type { OpenedStore, OpenerOptions, StoreOpener } from './store-opener.ts'

export const OPENERS: Readonly<Record<StoreKind, StoreOpener>> = {
  sqlite: sqliteOpener,
  postgres: postgresOpener,
  redis: redisOpener,
}

/** A store that answers, and what it runs on. */
export interface InspectedStore extends OpenedStore {
  readonly inspection: StoreInspection
}

/**
 * Opens the gateway's store. Rejects with a `ConfigError` where it cannot be reached or opened, or may lose what it
 * acknowledges and nobody has accepted that; leaves nothing open then.
 */
export async function openStore(location: StoreLocation, options: OpenerOptions): Promise<InspectedStore> {
  const opened = await inspectStore(location, options)
  try {
    assertKeeps(location, opened.inspection)
    // The first answer: tables are made now where there are none.
    await opened.store.get(0)
    for (const exposure of OPENERS[location.kind].exposures(location.address)) options.log.warn(exposure)
    return opened
  } catch (error) {
    await closeStore(opened)
    throw asConfigError(location, error)
  }
}

/** Opens a store to look at it: safe or not, and without making anything in it. Rejects with a `ConfigError`. */
export async function inspectStore(location: StoreLocation, options: OpenerOptions): Promise<InspectedStore> {
  let opened: OpenedStore | undefined
  try {
    opened = await OPENERS[location.kind].open(location.address, options)
    return { ...opened, inspection: await opened.store.inspect() }
  } catch (error) {
    if (opened !== undefined) await closeStore(opened)
    throw asConfigError(location, error)
  }
}

export async function closeStore({ store, release }: OpenedStore): Promise<void> {
  await store.close().catch(() => {})
  await release()
}

/** The settings with which what was acknowledged may be lost. */
export function unsoundSettings({ settings }: StoreInspection): readonly StoreSetting[] {
  return settings.filter(({ isSound }) => !isSound)
}

/** What is wrong with a setting and how it is mended. */
export function adviceFor(kind: StoreKind, { name, value, wanted }: StoreSetting): string {
  return `${name} is ${value === '' ? 'not known' : value} and must be ${wanted}: ${OPENERS[kind].howToSet(name, wanted)}`
}

function assertKeeps(location: StoreLocation, inspection: StoreInspection): void {
  const unsound = unsoundSettings(inspection)
  if (unsound.length === 0 || inspection.acceptsLoss) return
  throw new ConfigError([
    ...unsound.map((setting) => ({ path: location.setting, message: adviceFor(location.kind, setting) })),
    {
      path: location.setting,
      message: `as it is, ${location.shownAs} may lose events that were answered 200; POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS=yes accepts that`,
    },
  ])
}

function asConfigError({ setting, shownAs, address }: StoreLocation, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error
  return new ConfigError([
    { path: setting, message: `${shownAs} cannot be used: ${explainFailure(error, address)}` },
  ])
}
