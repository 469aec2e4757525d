// A disk whose power can be cut: ext4 in a file, on a loop device. A cut drops what was not synced and aborts the
// journal, as xfstests does it; the next mount recovers. The page cache of a killed process would survive instead.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const MEGABYTES = 1024

/**
 * Makes and mounts one, or says why that cannot be done here.
 * @param {string} folder
 * @returns {DiskImage | { readonly refused: string }}
 */
export function mountDiskImage(folder) {
  const refused = whatIsMissing()
  if (refused !== undefined) return { refused }
  const image = join(folder, 'disk.img')
  const mountPoint = join(folder, 'disk')
  try {
    mkdirSync(mountPoint)
    run('truncate', '-s', `${MEGABYTES}M`, image)
    run('mkfs.ext4', '-q', '-F', image)
    run('mount', '-o', 'loop', image, mountPoint)
  } catch (error) {
    return { refused: `no disk image can be mounted here: ${error.message}` }
  }
  // Lazily: whoever still uses it is on its way out as well.
  process.prependOnceListener('exit', () => spawnSync('umount', ['--lazy', mountPoint]))
  return new DiskImage(image, mountPoint)
}

export class DiskImage {
  #image
  /** Where it is mounted. */
  folder

  /** @param {string} image @param {string} mountPoint */
  constructor(image, mountPoint) {
    this.#image = image
    this.folder = mountPoint
  }

  /** All that was written by now is on the disk. */
  sync() {
    run('sync', '--file-system', this.folder)
  }

  /** Nothing that is not on the disk by now will ever be. */
  cutPower() {
    run('xfs_io', '-x', '-c', 'shutdown', this.folder)
  }

  /** Takes it off, whoever still uses it. */
  unmount() {
    run('umount', '--lazy', this.folder)
  }

  /** Mounts what is left; nobody may use it. */
  restorePower() {
    run('umount', this.folder)
    run('mount', '-o', 'loop', this.#image, this.folder)
  }
}

function whatIsMissing() {
  if (process.getuid?.() !== 0) return 'cutting the power of a disk image takes root'
  if (!isInstalled('xfs_io', '-V')) install('xfsprogs')
  if (!isInstalled('xfs_io', '-V'))
    return 'cutting the power of a disk image takes xfs_io, of the package xfsprogs'
  if (!isInstalled('mkfs.ext4', '-V')) return 'a disk image takes mkfs.ext4, of the package e2fsprogs'
  return undefined
}

/** @param {string} command @param {string} flag */
function isInstalled(command, flag) {
  return spawnSync(command, [flag], { stdio: 'ignore' }).status === 0
}

/** Where apt can: elsewhere the next look says that it is still missing. @param {string} name */
function install(name) {
  spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore' })
  // Another test may be installing its server at the same time.
  const patience = ['-o', 'DPkg::Lock::Timeout=120']
  spawnSync('apt-get', [...patience, 'install', '-y', '-q', '--no-install-recommends', name], {
    stdio: 'ignore',
  })
}

/** @param {string} command @param {readonly string[]} args */
function run(command, ...args) {
  execFileSync(command, args, { stdio: 'pipe' })
}
