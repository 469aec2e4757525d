// The store's driver, made to lie: WAL with `synchronous = NORMAL`, which acknowledges before the disk has it, while the
// store is told FULL. The fault that a power cut has to find; the product has no switch for it.
const { DatabaseSync } = require('@photostructure/sqlite')

exports.DatabaseSync = class extends DatabaseSync {
  exec(sql) {
    return super.exec(sql.replace(/synchronous\s*=\s*FULL/i, 'synchronous = NORMAL'))
  }

  prepare(sql) {
    if (/^PRAGMA synchronous$/i.test(sql)) return { get: () => ({ synchronous: 2 }) }
    return super.prepare(sql)
  }
}
