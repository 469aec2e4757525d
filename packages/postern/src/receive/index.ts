export { BodyBudget } from './body-reading.ts'
export { createMount, type Mount, type MountParts } from './mount.ts'
export { Receiver } from './receiver.ts'
export { recordEvent, type Recorded, type Recording } from './recorder.ts'
