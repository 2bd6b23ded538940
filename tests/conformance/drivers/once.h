/* Frame of the C drivers. One process is one try:
 *
 *     driver PORT CA_FILE NAME     verifies the server on 127.0.0.1:PORT for NAME
 *     driver PORT CA_FILE -        verifies its chain only
 *     driver                       prints the library's version
 *
 * Status 0: accepted. 1: refused, the reason on standard output. 2: the driver itself failed. */
#ifndef ONCE_H
#define ONCE_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* name is NULL for the chain only. */
static void attempt(int port, const char *ca, const char *name);
static const char *version(void);

static void accepted(void) {
    fflush(stdout);
    _exit(0);
}

static void refused(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    _exit(1);
}

static void failed(const char *what) {
    fprintf(stderr, "%s\n", what);
    _exit(2);
}

static inline int connected(int port) {
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((unsigned short)port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) failed("cannot connect");
    return fd;
}

static inline int is_address(const char *name) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* The whole file with a NUL behind it that *length does not count. */
static inline char *contents(const char *path, size_t *length) {
    static char buffer[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) failed("cannot read the CA file");
    *length = fread(buffer, 1, sizeof buffer - 1, file);
    buffer[*length] = 0;
    fclose(file);
    return buffer;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        puts(version());
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    alarm(10);
    attempt(atoi(argv[1]), argv[2], strcmp(argv[3], "-") ? argv[3] : NULL);
    failed("no answer");
}
#endif
