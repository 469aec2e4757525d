import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger, StoreInspection } from 'postern'
import { ConfigError, messageOf } from '../../config/problem.ts'
import type { StoreLocation } from '../../config/store-url.ts'
import type { GatewayStore } from '../stores/store-opener.ts'
import {
  adviceFor,
  closeStore,
  inspectStore,
  OPENERS,
  unsoundSettings,
  type InspectedStore,
} from '../stores/open-store.ts'
import { fail, failures, ok, warn, type Finding } from './finding.ts'

/** A second is seen in the times that the console shows; a minute is a fifth of what a signature's time may differ. */
const WARN_CLOCK_MS = 1000
const FAIL_CLOCK_MS = 60_000

/** What a log would be told of connections is part of the findings. */
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Says what else is to be found in a store that has been made. */
export type LookInto = (store: GatewayStore) => Promise<readonly Finding[]>

/** Whether the store can be reached, keeps what it acknowledges, and has the same clock. Makes nothing in it. */
export async function checkStore(
  location: StoreLocation,
  mayLoseAcknowledgedEvents: boolean,
  look: LookInto,
): Promise<readonly Finding[]> {
  if (!OPENERS[location.kind].isThere(location.address)) return [checkFutureFile(location)]
  try {
    const opened = await inspectStore(location, { mayLoseAcknowledgedEvents, log: SILENT })
    try {
      const seen = mayBeRead(opened) ? await look(opened.store) : []
      return [...findingsOf(location, opened.inspection), ...seen]
    } finally {
      await closeStore(opened)
    }
  } catch (error) {
    return error instanceof ConfigError ? failures(error.problems) : [fail('store', messageOf(error))]
  }
}

/** Whether reading makes nothing and changes nothing. */
function mayBeRead({ inspection, readableVersion }: InspectedStore): boolean {
  const { schemaVersion } = inspection
  const isSafe = inspection.acceptsLoss || unsoundSettings(inspection).length === 0
  return isSafe && isMade(inspection) && (readableVersion ?? schemaVersion) === schemaVersion
}

function findingsOf(location: StoreLocation, inspection: StoreInspection): readonly Finding[] {
  return [
    ok('store', `${inspection.engine} at ${location.shownAs}`),
    ...exposuresOf(location),
    ...durabilityOf(location, inspection),
    schemaOf(inspection),
    clockOf(location, inspection),
  ]
}

function exposuresOf({ kind, address }: StoreLocation): readonly Finding[] {
  return OPENERS[kind].exposures(address).map((exposure) => warn('store.access', exposure))
}

function durabilityOf(location: StoreLocation, inspection: StoreInspection): readonly Finding[] {
  const { settings, acceptsLoss } = inspection
  const unsound = unsoundSettings(inspection)
  if (unsound.length === 0) {
    const found = settings.map(({ name, value }) => `${name} ${value}`).join(', ')
    return [ok('store.durability', `what is answered 200 is on stable storage: ${found}`)]
  }
  const consequence = acceptsLoss
    ? 'events that were answered 200 may be lost when the server crashes: POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS accepts that'
    : 'events that were answered 200 could be lost when the server crashes: serve refuses to start'
  const say = acceptsLoss ? warn : fail
  return [
    say('store.durability', consequence),
    ...unsound.map((setting) => say(`store.${setting.name}`, adviceFor(location.kind, setting))),
  ]
}

function schemaOf({ schemaVersion }: StoreInspection): Finding {
  if (!isMade({ schemaVersion })) return ok('store.schema', 'nothing is there yet; serve makes what it needs')
  return ok('store.schema', `version ${schemaVersion}`)
}

function isMade({ schemaVersion }: Pick<StoreInspection, 'schemaVersion'>): boolean {
  return schemaVersion !== undefined && schemaVersion !== 0
}

function clockOf({ kind }: StoreLocation, { clockAheadMs }: StoreInspection): Finding {
  const distanceMs = Math.abs(clockAheadMs)
  const seconds = (distanceMs / 1000).toFixed(1)
  const what = `the store's clock is ${seconds} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} this machine's`
  const { advice, worst } = OPENERS[kind].clock
  if (distanceMs >= FAIL_CLOCK_MS && worst === 'fail') return fail('store.clock', `${what}: ${advice}`)
  if (distanceMs >= WARN_CLOCK_MS) return warn('store.clock', `${what}: ${advice}`)
  return ok('store.clock', 'as this machine’s')
}

/** A file that is still to be made, in a folder that is, too. */
function checkFutureFile({ address, setting }: StoreLocation): Finding {
  let folder = dirname(address)
  while (!existsSync(folder)) folder = dirname(folder)
  if (isWritableFolder(folder)) return ok('store', `${address} is not there yet; serve makes it`)
  return fail(setting, `${address} is not there, and ${folder} is no folder that this user may write to`)
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
