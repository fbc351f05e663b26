/* The only symbol newer than glibc 2.35 that Debian 12's libraries ask for: libstdc++ calls it for std::random_device. Part of the
 * node bundle, so that it runs on glibc 2.35 too. Same contract as arc4random(3): it cannot fail. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

uint32_t arc4random(void)
{
    uint32_t value;
    while (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        /* getrandom(2): up to 256 bytes are never short once the pool is ready; a signal may come before that. */
        if (errno != EINTR)
            abort();
    }
    return value;
}
