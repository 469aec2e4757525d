import { jsonSample, type Sample } from './sample.ts'

export const dropboxSamples: readonly Sample[] = [
  jsonSample('changed', 'dropbox-signature', ({ id }) => ({
    list_folder: { accounts: [`dbid:${id}`] },
    delta: { users: [12345678] },
  })),
  jsonSample('changed', 'dropbox-signature', ({ id }) => ({
    list_folder: { accounts: [`dbid:${id}`, 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc'] },
    delta: { users: [12345678, 23456789] },
  })),
]
