import type { GatewayConfig } from '../../config/define-config.ts'
import { ConfigError } from '../../config/problem.ts'
import type { CliContext } from '../context.ts'
import { vendorClient } from '../vendor-access.ts'
import { failures, ok, type Finding } from './finding.ts'

/** The keys of the vendors' APIs that the configuration pulls from and looks at. Asks nobody. */
export function checkVendorKeys(
  { pull = {}, reconcile = {} }: GatewayConfig,
  env: CliContext['env'],
): readonly Finding[] {
  const jobs = [
    ...Object.entries(pull).map(([source, job]) => ({ path: `pull.${source}`, job })),
    ...Object.entries(reconcile).map(([source, job]) => ({ path: `reconcile.${source}`, job })),
  ]
  return jobs.flatMap(({ path, job }) => {
    if (job === undefined) return []
    const { origin, keyVariable: variable } = job
    try {
      vendorClient({ origin, variable }, { env })
      return [ok(path, `has the key of ${job.title}'s API from ${variable}`)]
    } catch (error) {
      if (error instanceof ConfigError) return failures(error.problems)
      throw error
    }
  })
}
