/*
 * Breaks the disk under one process, at a moment chosen from outside: preloaded, it stands between SQLite and libc.
 * Only files whose path starts with POSTERN_FAULTS_UNDER are touched, and of those none whose path ends with
 * POSTERN_FAULTS_EXCEPT. What it does is in a table of 64-bit numbers that
 * it shares with the test, at POSTERN_FAULTS_TABLE; fault-shim.mjs has the same fields in the same order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum field {
  SYNC_CALLS,        /* counted here */
  WRITE_CALLS,       /* counted here */
  SYNC_DELAY_MS,
  SYNC_FAILS_FROM,   /* the first call that fails, by its count; 0: none */
  SYNC_FAILS_UNTIL,  /* the first one after it that does not */
  WRITE_FAILS_FROM,
  WRITE_FAILS_UNTIL,
  ERROR_NUMBER,      /* what a failing call says */
  KILL_AT_CALL,      /* syncs and writes together; the process dies there, in the middle of a write */
  FIELDS
};

static volatile long long *table;
static const char *under, *except;

__attribute__((constructor)) static void open_table(void) {
  const char *path = getenv("POSTERN_FAULTS_TABLE");
  under = getenv("POSTERN_FAULTS_UNDER");
  except = getenv("POSTERN_FAULTS_EXCEPT");
  if (path == NULL || under == NULL || except == NULL) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *shared = mmap(NULL, FIELDS * sizeof(long long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) table = shared;
}

static int is_ours(int file) {
  if (table == NULL) return 0;
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, under, strlen(under)) != 0) return 0;
  size_t ending = strlen(except);
  return ending == 0 || (size_t)length < ending || strcmp(path + length - ending, except) != 0;
}

static long long count(enum field calls) { return __atomic_add_fetch(&table[calls], 1, __ATOMIC_SEQ_CST); }

static int fails(long long call, enum field from) {
  if (table[from] == 0 || call < table[from] || call >= table[from + 1]) return 0;
  errno = (int)table[ERROR_NUMBER];
  return 1;
}

static int is_last_call(void) {
  return table[KILL_AT_CALL] != 0 && table[SYNC_CALLS] + table[WRITE_CALLS] >= table[KILL_AT_CALL];
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* What libc would have done. */
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))
typedef int (*sync_function)(int);
typedef ssize_t (*write_function)(int, const void *, size_t);
typedef ssize_t (*pwrite_function)(int, const void *, size_t, off_t);
typedef int (*truncate_function)(int, off_t);

static int sync_file(int file, const char *name) {
  if (!is_ours(file)) return REAL(name, sync_function)(file);
  long long call = count(SYNC_CALLS);
  if (is_last_call()) die();
  long long delay = table[SYNC_DELAY_MS];
  struct timespec pause_for = {delay / 1000, (delay % 1000) * 1000000};
  if (delay > 0) nanosleep(&pause_for, NULL);
  if (fails(call, SYNC_FAILS_FROM)) return -1;
  return REAL(name, sync_function)(file);
}

int fsync(int file) { return sync_file(file, "fsync"); }
int fdatasync(int file) { return sync_file(file, "fdatasync"); }

ssize_t write(int file, const void *bytes, size_t length) {
  static write_function real;
  if (real == NULL) real = REAL("write", write_function);
  if (!is_ours(file)) return real(file, bytes, length);
  long long call = count(WRITE_CALLS);
  if (is_last_call()) {
    real(file, bytes, length / 2);
    die();
  }
  return fails(call, WRITE_FAILS_FROM) ? -1 : real(file, bytes, length);
}

static ssize_t write_at(int file, const void *bytes, size_t length, off_t offset, const char *name) {
  pwrite_function real = REAL(name, pwrite_function);
  if (!is_ours(file)) return real(file, bytes, length, offset);
  long long call = count(WRITE_CALLS);
  if (is_last_call()) {
    real(file, bytes, length / 2, offset);
    die();
  }
  return fails(call, WRITE_FAILS_FROM) ? -1 : real(file, bytes, length, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
  return write_at(file, bytes, length, offset, "pwrite");
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
  return write_at(file, bytes, length, offset, "pwrite64");
}

static int truncate_file(int file, off_t length, const char *name) {
  truncate_function real = REAL(name, truncate_function);
  if (!is_ours(file)) return real(file, length);
  long long call = count(WRITE_CALLS);
  if (is_last_call()) die();
  return fails(call, WRITE_FAILS_FROM) ? -1 : real(file, length);
}

int ftruncate(int file, off_t length) { return truncate_file(file, length, "ftruncate"); }
int ftruncate64(int file, off64_t length) { return truncate_file(file, length, "ftruncate64"); }
