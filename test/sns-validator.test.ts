/** Amazon's own library against ours: it accepts every sample that is signed here, and none that was changed. */
import { EventEmitter } from 'node:events'
import https from 'node:https'
import { signRequest, verify, type KeyFetch } from 'postern'
import { awsSns } from 'postern/providers'
import { samples } from 'postern/samples'
import MessageValidator from 'sns-validator'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ownCertificate } from './support/other-schemes.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:*'
const { own } = ownCertificate()
const validator = new MessageValidator()

// The library fetches certificates by itself, and has no place to give it another way.
beforeAll(() => {
  vi.spyOn(https, 'get').mockImplementation(((_: unknown, onResponse: (response: EventEmitter) => void) => {
    const response = Object.assign(new EventEmitter(), { statusCode: 200 })
    onResponse(response)
    response.emit('data', own.certificate)
    response.emit('end')
    return new EventEmitter()
  }) as unknown as typeof https.get)
})

afterAll(() => vi.restoreAllMocks())

function accepts(body: string): Promise<boolean> {
  return new Promise((resolve) => {
    validator.validate(body, (error: unknown) => resolve(error === null))
  })
}

const fetch: KeyFetch = () => Promise.resolve(new Response(own.certificate))
const source = awsSns({ topicArn: TOPIC, fetch })
/**
 * Those of one sample are confirmations here: of unsubscribing, Amazon's page says that `Token` is signed, as it is for
 * subscribing, and the library leaves it out.
 */
const cases = samples.get('aws-sns')!.map((sample) => {
  const type = sample.type.replace('UnsubscribeConfirmation', 'SubscriptionConfirmation')
  return { title: `${type}, ${sample.scheme}`, sample, type }
})

describe('sns-validator', () => {
  test.each(cases)(
    'accepts what is signed here, and refuses it changed, as we do: $title',
    async ({ sample, type }) => {
      const built = sample.build({ id: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324', nowMs: NOW_MS })
      const signed = signRequest(source, {
        ...built,
        body: built.body.replace(sample.type, type),
        nowMs: NOW_MS,
        scheme: sample.scheme,
        privateKey: own.privateKey,
      })
      const body = Buffer.from(signed.body).toString()
      const isOurs = async (text: string): Promise<boolean> =>
        (await verify({ headers: [], body: Buffer.from(text) }, source, { now: () => NOW_MS })).ok
      expect([await accepts(body), await isOurs(body)]).toEqual([true, true])
      for (const name of ['Message', 'MessageId', 'TopicArn', 'Type']) {
        const members = JSON.parse(body) as Readonly<Record<string, string>>
        const changed = JSON.stringify({ ...members, [name]: `${members[name]}x` })
        expect([name, await accepts(changed), await isOurs(changed)]).toEqual([name, false, false])
      }
    },
  )
})
