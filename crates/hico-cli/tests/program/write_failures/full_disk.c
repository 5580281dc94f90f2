/* A disk that fills: the n-th write to a file, and every one after it, fails with ENOSPC. The n-th stores half of its bytes
   first, as a real disk does. FULL_DISK_AT=n (0: never); the number of writes is left in the file FULL_DISK_COUNT names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long done;
static long at = -1;

static int counted(int fd) {
    struct stat facts;
    return fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

/* 0: go on; 1: store half; 2: fail. */
static int outcome(int fd) {
    if (!counted(fd)) return 0;
    long number = atomic_fetch_add(&done, 1) + 1;
    if (at < 0) {
        const char *word = getenv("FULL_DISK_AT");
        at = word ? atol(word) : 0;
    }
    if (at == 0 || number < at) return 0;
    return number == at ? 1 : 2;
}

static ssize_t full(void) {
    errno = ENOSPC;
    return -1;
}

#define NEXT(type, name) static __typeof__(type) *next; if (!next) next = (__typeof__(type) *)dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t count) {
    NEXT(ssize_t (int, const void *, size_t), "write");
    switch (outcome(fd)) {
        case 0: return next(fd, bytes, count);
        case 1: return count > 1 ? next(fd, bytes, count / 2) : full();
        default: return full();
    }
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    NEXT(ssize_t (int, const struct iovec *, int), "writev");
    return outcome(fd) == 0 ? next(fd, parts, count) : full();
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t count, unsigned flags) {
    NEXT(ssize_t (int, off64_t *, int, off64_t *, size_t, unsigned), "copy_file_range");
    switch (outcome(to)) {
        case 0: return next(from, from_at, to, to_at, count, flags);
        case 1: return count > 1 && count < (1UL << 40) ? next(from, from_at, to, to_at, count / 2, flags) : full();
        default: return full();
    }
}

int fsync(int fd) {
    NEXT(int (int), "fsync");
    return outcome(fd) == 0 ? next(fd) : (int)full();
}

int fdatasync(int fd) {
    NEXT(int (int), "fdatasync");
    return outcome(fd) == 0 ? next(fd) : (int)full();
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FULL_DISK_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    long number = done;
    at = 0;
    fprintf(file, "%ld", number);
    fclose(file);
}
