import { createHmac, timingSafeEqual } from 'node:crypto'
import { github, stripe, standardWebhooks } from 'postern/providers'
import { sign, verify } from 'postern'
const SECRET = 'bench_secret_0123456789abcdef'
const now = Date.now()
for (const size of [300, 2048, 65536]) {
  const body = Buffer.from('{"id":"evt_1","type":"a","pad":"' + 'x'.repeat(size - 35) + '"}')
  const g = github({ secret: SECRET }),
    s = stripe({ secret: SECRET })
  const noise = [
    'Host',
    'a.example',
    'User-Agent',
    'GitHub-Hookshot/044aadd',
    'Accept',
    '*/*',
    'Content-Type',
    'application/json',
    'Content-Length',
    String(size),
  ]
  const gh = [...noise, ...Object.entries(sign(g, { body, nowMs: now })).flat()],
    sh = [...noise, ...Object.entries(sign(s, { body, nowMs: now })).flat()]
  const gsig = gh.at(-1),
    ssig = sh.at(-1)
  const key = Buffer.from(SECRET)
  const [gk] = g.schemes,
    [sk] = s.schemes
  const greq = { method: 'POST', url: '/', headers: gh, body },
    sreq = { method: 'POST', url: '/', headers: sh, body }
  const opt = { nowMs: now }
  const tests = {
    bareG: () => {
      const e = createHmac('sha256', SECRET).update(body).digest()
      return timingSafeEqual(e, Buffer.from(gsig.slice(7), 'hex'))
    },
    checkG: () => gk.method.check(gk.scheme, gk.keys, greq, opt).ok,
    bareS: () => {
      const t = ssig.slice(2, ssig.indexOf(','))
      const e = createHmac('sha256', SECRET)
        .update(t + '.')
        .update(body)
        .digest()
      return timingSafeEqual(e, Buffer.from(ssig.slice(ssig.indexOf('v1=') + 3), 'hex'))
    },
    checkS: () => sk.method.check(sk.scheme, sk.keys, sreq, opt).ok,
  }
  const n = size > 10000 ? 3000 : 40000
  const best = {}
  for (let r = 0; r < 7; r++)
    for (const [k, f] of Object.entries(tests)) {
      const c = process.cpuUsage()
      for (let i = 0; i < n; i++) if (!f()) throw k
      const d = process.cpuUsage(c)
      const us = (d.user + d.system) / n
      best[k] = Math.min(best[k] ?? 1e9, us)
    }
  console.log(
    size,
    best,
    'ratio G',
    (best.bareG / best.checkG).toFixed(2),
    'S',
    (best.bareS / best.checkS).toFixed(2),
  )
}
