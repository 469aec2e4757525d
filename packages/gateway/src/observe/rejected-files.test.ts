import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RejectedFiles } from './rejected-files.ts'

let folder: string

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'postern-rejected-')), 'rejected')
})
afterEach(() => rm(join(folder, '..'), { recursive: true }))

test('a body is kept byte for byte, for its owner only', async () => {
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x0d, 0x0a, 0x7d])
  const name = await new RejectedFiles({ folder }).save(body)
  expect(name).toBe('000001.json')
  expect(await readFile(join(folder, '000001.json'))).toEqual(body)
  expect((await stat(join(folder, '000001.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})

test('only the newest 20 are kept', async () => {
  const files = new RejectedFiles({ folder })
  for (let index = 1; index <= 30; index += 1) await files.save(Buffer.from(String(index)))
  const names = (await readdir(folder)).toSorted()
  expect(names).toHaveLength(20)
  expect([names[0], names.at(-1)]).toEqual(['000011.json', '000030.json'])
})

test('a body over the limit is not kept', async () => {
  const files = new RejectedFiles({ folder, maxBytes: 10 })
  expect(await files.save(Buffer.alloc(11))).toBeUndefined()
  expect(await files.save(Buffer.alloc(10))).toBe('000001.json')
})

test('numbers go on after a restart, and many at once get one each, also in two processes', async () => {
  await new RejectedFiles({ folder }).save(Buffer.from('before'))
  const [one, two] = [new RejectedFiles({ folder }), new RejectedFiles({ folder })]
  const names = await Promise.all(
    Array.from({ length: 10 }, (_, index) => (index % 2 ? one : two).save(Buffer.from(String(index)))),
  )
  expect(new Set(names).size).toBe(10)
  expect(names).not.toContain('000001.json')
})
