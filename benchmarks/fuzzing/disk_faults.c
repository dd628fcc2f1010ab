/* Faults of a disk for one folder: full, read-only, broken, slow. Loaded with LD_PRELOAD.

   The calls that change files below the folder are counted. From call number `first` on, they fail
   with `error`; with `once` only that call fails. A write that fails has written half of its bytes
   before, as on a disk that becomes full. With `slow`, every write takes a millisecond and writes at
   most a few bytes. Nothing happens before `faults_set` is called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long first, count;
static int error, once, slow, keeps;

/* `keep` lets files be deleted, renamed and shortened, as on a full disk. */
void faults_set(const char *path, long from, int number, int just_once, int is_slow, int keep) {
    first = from;
    error = number;
    once = just_once;
    slow = is_slow;
    keeps = keep;
    count = 0;
    snprintf(folder, sizeof folder, "%s", path);
}

long faults_count(void) { return count; }

static int below(const char *path) {
    char whole[2 * PATH_MAX + 2], here[PATH_MAX];
    size_t size = strlen(folder);
    if (!size || !path) return 0;
    if (path[0] != '/' && getcwd(here, sizeof here)) {
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    return strncmp(path, folder, size) == 0;
}

static int below_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return below(path);
}

/* Count a call; return whether it fails. */
static int fails(void) {
    count++;
    if (!first || count < first || (once && count > first)) return 0;
    errno = error;
    return 1;
}

/* The function of the C library behind ours. */
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = REAL("write", ssize_t (*)(int, const void *, size_t));
    if (!below_fd(fd)) return real(fd, data, size);
    if (slow) {
        usleep(1000);
        return real(fd, data, size > 4099 ? 4099 : size);
    }
    if (fails()) {
        int kept = errno;
        if (!once && size > 1 && count == first) return real(fd, data, size / 2);
        errno = kept;
        return -1;
    }
    return real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    ssize_t (*real)(int, const struct iovec *, int) =
        REAL("writev", ssize_t (*)(int, const struct iovec *, int));
    return below_fd(fd) && fails() ? -1 : real(fd, parts, number);
}

int fsync(int fd) {
    int (*real)(int) = REAL("fsync", int (*)(int));
    return below_fd(fd) && fails() ? -1 : real(fd);
}

int ftruncate64(int fd, off64_t size) {
    int (*real)(int, off64_t) = REAL("ftruncate64", int (*)(int, off64_t));
    return below_fd(fd) && !keeps && fails() ? -1 : real(fd, size);
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = REAL("rename", int (*)(const char *, const char *));
    return below(to) && !keeps && fails() ? -1 : real(from, to);
}

int unlink(const char *path) {
    int (*real)(const char *) = REAL("unlink", int (*)(const char *));
    return below(path) && !keeps && fails() ? -1 : real(path);
}

int rmdir(const char *path) {
    int (*real)(const char *) = REAL("rmdir", int (*)(const char *));
    return below(path) && !keeps && fails() ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
    int (*real)(const char *, mode_t) = REAL("mkdir", int (*)(const char *, mode_t));
    return below(path) && fails() ? -1 : real(path, mode);
}

static int opens(int flags, const char *path) {
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    return writes && below(path) && fails();
}

#define MODE(flags)                        \
    mode_t mode = 0;                       \
    if (flags & (O_CREAT | O_TMPFILE)) {   \
        va_list more;                      \
        va_start(more, flags);             \
        mode = va_arg(more, mode_t);       \
        va_end(more);                      \
    }

int open64(const char *path, int flags, ...) {
    MODE(flags)
    int (*real)(const char *, int, ...) = REAL("open64", int (*)(const char *, int, ...));
    return opens(flags, path) ? -1 : real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    MODE(flags)
    int (*real)(const char *, int, ...) = REAL("open", int (*)(const char *, int, ...));
    return opens(flags, path) ? -1 : real(path, flags, mode);
}
