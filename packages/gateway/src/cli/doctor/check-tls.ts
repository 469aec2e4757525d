import { readTls, type TlsFiles } from '../tls.ts'
import { fail, failures, ok, warn, type Finding } from './finding.ts'

/** Whether the listener's certificate and key can be read, belong together, and are what senders accept. */
export async function checkTls(files: TlsFiles | undefined, nowMs: number): Promise<readonly Finding[]> {
  if (files === undefined) return [ok('POSTERN_TLS_CERT', 'is not set: the listener speaks plain HTTP')]
  const { certPath, certSetting, keyPath, keySetting } = files
  const read = await readTls(files, nowMs)
  if (!read.ok) return failures(read.problems)
  const { expiresMs, warnings } = read.value
  const sound = [
    ok(certSetting, `the certificate ${certPath} ends at ${new Date(expiresMs).toISOString()}`),
    ok(keySetting, `${keyPath} is its key`),
  ]
  return sound.flatMap((finding) => {
    const wrong = warnings.filter(({ setting }) => setting === finding.subject)
    if (wrong.length === 0) return [finding]
    return wrong.map(({ setting, message, isRefused }) => (isRefused ? fail : warn)(setting, message))
  })
}
