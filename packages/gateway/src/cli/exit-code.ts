/** What the command line answers to its caller. Part of its interface: scripts look at it. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const
