export { memory, type MemoryEffect, type MemoryOptions, type MemoryStore } from './memory.ts'
