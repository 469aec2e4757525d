export { BodyBudget } from './body-budget.ts'
export { createMount, type Mount, type Route } from './mount.ts'
export { Receiver, type ReceiverOptions } from './receiver.ts'
