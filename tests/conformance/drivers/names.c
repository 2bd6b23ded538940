/* LD_PRELOAD: every name and address is looked up as 127.0.0.1, so that a program that dials by itself reaches the
 * test's server and still verifies the name that it was given. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>

typedef int (*lookup)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    lookup original = (lookup)dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo mine;
    memset(&mine, 0, sizeof mine);
    if (hints) mine = *hints;
    if (node && !(mine.ai_flags & AI_PASSIVE)) {
        node = "127.0.0.1";
        mine.ai_family = AF_INET;
    }
    return original(node, service, &mine, result);
}
