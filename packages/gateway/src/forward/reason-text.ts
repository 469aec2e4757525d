const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  UND_ERR_SOCKET: 'the connection was closed without an answer',
  ENOTFOUND: 'its name does not exist',
  EAI_AGAIN: 'its name cannot be resolved just now',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ETIMEDOUT: 'the connection was not made in time',
  UND_ERR_HEADERS_OVERFLOW: "its answer's head is too long",
}

/** Why nothing was answered, in one line. Codes are kept: operators look for them. */
export function reasonText(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  const text = code === undefined ? undefined : TEXTS[code]
  if (text !== undefined) return `${text} (${code})`
  const message = error.message === '' ? error.name : error.message
  return (code === undefined ? message : `${message} (${code})`).slice(0, 300)
}
