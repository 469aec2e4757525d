import { createPublicKey, type KeyObject } from 'node:crypto'

/**
 * An RSA key pair that is the same in every run, made for the tests by `openssl genpkey`: making one takes up to a second,
 * and another time in each run.
 */
export const RSA_PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQD94tK0NM7UUopF
qDu92/EjrEeWvV0cWrWYVHpuqm/Wz+bNVz2/iwfWq9FI6oqhsrEE/IcHUgTutIsc
iirGxqhrZiAdNBXLRoIBMf+s4/oFnqezgM/Be392qC4Dh3zxWW1EPseSy6JYHKV/
+6p4DIIjcMi7ge+qVED3Wb+QX1WLFF8DsVaMeWBFzEJb7faiP+Zol5qLZEJJZfK8
1VE1vES7be8yUtQkSv0FIBYNKQYawq93WZa9HertWfTh6hgfKJ2nrcQRM0mx8eqd
NDZlNj+RA/vd3U0Baf/ZSvYm2cGybZHogbUYQNEa/1wwIJfO0F0v4RP0prwJt3iL
qDrOyIkdAgMBAAECggEAXZOqXNBwAXMw0s7Ywjhcb20S79z5Ajfu4egVPk/kq/Ty
GXJT6JMafwXSPEFyennt5CwdqtWQytjRw2GrtZtIPVmlcY4ekE97IGyo07UtlL+v
CSrrqGFYEEiZuSRJqX1wGCzZi2IyAq8AUyVT5i6aEu0Bl5cjWpD2ZxT11gVFdt59
3XG+pQywV37zPPqlOuGfhm1/K6FwsTgLR/wLmVgSYkEgdTuhat47fB38qVXrQhyS
xc2zXgH9mDLzR59VJ/toY3aVeKb37QWrFpVuceKWQGWPy7QC4HjmcdQ2w6MC7okb
Rn0SyrzraaFPCgPS97ViiVIlsLwh43Ce6cAcStvqUwKBgQD/yN6MXk2uZpNqWjlQ
VNagwsgwQdq16qiQ5yOYsnEzH4jm8dXW+lxD7MIK8vRgwtJBjq3yLYlMYjMbw1RK
muOlCjsvv5JFQCvCaI2jpLMjxdEoke+xN7A8F1mOpewIMngMsRSEBcmtrkk35Mii
0rd23lk/bVKw5C5pOqVGOBmicwKBgQD+GYtlOH6xt2GNsxSQigMbu2ihIsd8Izau
fAbAv6m2OWhGjx0mTMmp0zc4TgIAmObCh6gbSGJ6pWhm+8kSrmKcHfbq0+0+HmzR
7hK1q0dZrPbkQt0V3dUZCYqY8IiB9z/vrX7CnHWvUrJEM5LfFsTJOubjirzIQwpF
r4DI97HyLwKBgGrNkAeilOMel61P0SC23AuyaW6lANL3Eb23lch7sgK7xylPj4+9
aGtAX+G8gsgocSzIi99UnkDTvC16iSbBuA5A0GfmoQfjfKInkATlj5t/TQ+YqDIi
Y6cjxNRoeb8Oe8wo4L0jwYuQ+6eoExLR06OBwlhWqLGOBccQotRINoP7AoGBAIpp
ecAaZREDVlVsjjAprYXGsTjNDCL3v4qOLtOB071aSg3dWUCKpXMnhbXa8EZJA7JF
WPH7nQE35sXqM15EtZxayiyiYmHrCtXTvEdPVF9p01cFgQ6vNqwbwW6L36AEAcTa
GemCdqyY/FggS8nPykPfHPQnl6vysL7C2gEew8SrAoGAdYlAD8bw9nyfqExJf+2K
SSiWld0kI4Nj1bKZn9NduTwAHLTclBCMsyWFDkQx5WgkMF34E87kEBz2h7OwFWr5
L5lAeqCmmXjuC67WKn97XwtPUCqsOgv5LGtVWFTN7tC4oQpCoI8UkpvyPW4bNrON
Xos437wK/JXcIw0ACW6+c3w=
-----END PRIVATE KEY-----
`

/** A public key that nobody has a private one for: its modulus is made up, and of this many bits. */
export function rsaOf(bits: 2047 | 2048): KeyObject {
  const modulus = Buffer.alloc(256, 0xff)
  modulus[0] = bits === 2048 ? 0xff : 0x7f
  return createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
}

/** The same RSA key, marked as one for PSS only (RFC 4055 §3.1). */
export function asPss(key: KeyObject): KeyObject {
  const plain = key.export({ type: 'spki', format: 'der' }).toString('hex')
  const marked = plain.replace('300d06092a864886f70d0101010500', '300b06092a864886f70d01010a')
  const length = (marked.length / 2 - 4).toString(16).padStart(4, '0')
  const der = Buffer.from(`3082${length}${marked.slice(8)}`, 'hex')
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}
