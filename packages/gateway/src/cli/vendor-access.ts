import { ApiClient, type ApiResult } from '../vendors/api-client.ts'
import { ConfigError } from '../config/problem.ts'
import type { CliContext } from './context.ts'

/** A client of a vendor's API with the key in a variable. Throws a `ConfigError` that does not show it. */
export function vendorClient(
  {
    origin,
    variable,
    signal,
  }: { readonly origin: string; readonly variable: string; readonly signal?: AbortSignal },
  { env, vendors }: Pick<CliContext, 'env' | 'vendors'>,
): ApiClient {
  const key = env[variable]?.trim() ?? ''
  if (key === '') {
    throw new ConfigError([
      { path: variable, message: 'is not set; it is to hold the key of the vendor’s API' },
    ])
  }
  // What cannot stand in a header would be quoted in full by the error that says so.
  if (!/^[\x21-\x7e]{8,4096}$/.test(key)) {
    throw new ConfigError([
      {
        path: variable,
        message: 'is no API key: shorter than 8 characters, or with some that no header may have',
      },
    ])
  }
  return new ApiClient({
    origin: vendors?.originOf(origin) ?? origin,
    key,
    ...(vendors?.pause !== undefined && { pause: vendors.pause }),
    ...(signal !== undefined && { signal }),
  })
}

/** The value, or an error for people with what the vendor said. */
export function orFail<T>(vendor: string, result: ApiResult<T>): T {
  if (result.ok) return result.value
  throw new Error(`${vendor}: ${result.message}`)
}
