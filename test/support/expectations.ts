import { isAuthentic } from 'postern'
import { expect } from 'vitest'
import type { Inbox } from './inbox.ts'
import type { Answer } from './raw-client.ts'
import { seedEvent } from './requests.ts'

/** 200 `{"received":true}`, to the byte. */
export function expectReceived(answer: Answer): void {
  expectExactly(answer, 200, '{"received":true}')
}

/** 200 `{"received":true,"duplicate":true}`, to the byte. */
export function expectDuplicate(answer: Answer): void {
  expectExactly(answer, 200, '{"received":true,"duplicate":true}')
}

/** The seeds' 401, to the byte. */
export function expectNotAuthentic(answer: Answer): void {
  expectExactly(answer, 401, '{"error":"Invalid signature"}')
}

/** 400: authentic, but not to be read. */
export function expectMalformed(answer: Answer): void {
  expectExactly(answer, 400, '{"error":"Malformed body"}')
}

/** 503 with a `Retry-After`: whatever is our own fault, so that no sender gives up. */
export function expectUnavailable(answer: Answer): void {
  expectExactly(answer, 503, '{"error":"Temporarily unavailable"}')
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
}

/** An answer of the inbox's own, and nothing of its insides. */
export function expectExactly(answer: Answer, status: number, body: string): void {
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body })
  expect(answer.headers.get('content-type')).toBe('application/json')
}

/** No file name, stack or page of a framework. */
export function expectNoInsides(answer: Answer): void {
  expect(answer.body).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.[jt]s\b|<html|<pre/i)
}

/** Ids of everything stored, oldest first. */
export async function storedIds(inbox: Inbox): Promise<readonly string[]> {
  return (await inbox.events()).map(({ id }) => id)
}

/** What an attack left behind is nothing: the next good request is answered 200, and it alone is stored beside `before`. */
export async function expectStillServing(inbox: Inbox, before: readonly string[]): Promise<void> {
  expectReceived(await inbox.send(seedEvent('evt_next_good')))
  expect(await storedIds(inbox)).toEqual([...before, 'evt_next_good'])
}

/** The authentic requests of an inbox that were refused: reason and body, newest first. */
export async function keptRejections(
  inbox: Inbox,
): Promise<readonly { readonly reason: string; readonly body: string }[]> {
  const kept = (await inbox.store.rejected.list({ limit: 2000 })).requests
  return kept
    .filter(({ reason }) => isAuthentic(reason))
    .map(({ reason, body }) => ({ reason, body: Buffer.from(body).toString('latin1') }))
}
