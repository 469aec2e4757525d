export { BodyBudget } from './body-reading.ts'
export { createMount, type Mount, type Route } from './mount.ts'
export { Receiver, type ReceiverOptions } from './receiver.ts'
