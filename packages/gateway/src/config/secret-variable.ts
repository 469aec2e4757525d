/** The variable that holds a source's signing secret: `vastai` → `VASTAI_WEBHOOK_SECRET`. */
export function secretVariable(source: string): string {
  return `${source.toUpperCase().replaceAll('-', '_')}_WEBHOOK_SECRET`
}

/** The variable that holds the key a destination's requests are signed with: `billing` → `BILLING_DESTINATION_SECRET`. */
export function destinationSecretVariable(destination: string): string {
  return `${destination.toUpperCase().replaceAll('-', '_')}_DESTINATION_SECRET`
}

/** What the environment says of a source's secret. */
export type EnvironmentSecrets =
  | { readonly kind: 'set'; readonly secrets: readonly string[] }
  /** The variable is there and empty, as a line `VASTAI_WEBHOOK_SECRET=` leaves it. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'unset' }

/** Reads a source's secrets from the environment: the variable, then the same with `_2` while one is being rotated. */
export function environmentSecrets(
  env: Readonly<Record<string, string | undefined>>,
  source: string,
): EnvironmentSecrets {
  return environmentSecretsIn(env, secretVariable(source))
}

/** Reads the secrets that a variable and its `_2` hold. */
export function environmentSecretsIn(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): EnvironmentSecrets {
  const [newest, older] = [env[name], env[`${name}_2`]]
  if (newest === undefined) return { kind: 'unset' }
  if (newest.trim() === '') return { kind: 'blank' }
  return { kind: 'set', secrets: older === undefined || older.trim() === '' ? [newest] : [newest, older] }
}
