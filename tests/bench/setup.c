#include "setup.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define AT_ONCE    500U /* users in one call */
#define PATIENCE_S 30

bool setup_address(const char *text, struct sockaddr_in *at)
{
    char host[64];
    unsigned port;

    *at = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 ||
        inet_pton(AF_INET, host, &at->sin_addr) != 1)
        return false;
    at->sin_port = htons((uint16_t)port);
    return true;
}

/* --- HTTP, one call a connection --- */

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Until the server closes: the whole answer, zero-terminated; NULL on error. */
static char *read_all(int fd)
{
    size_t len = 0, cap = 1 << 16;
    char *text = malloc(cap);

    while (text != NULL) {
        const ssize_t n = recv(fd, text + len, cap - len - 1, 0);
        char *more;

        if (n <= 0) {
            text[len] = '\0';
            if (n == 0)
                return text;
            break;
        }
        len += (size_t)n;
        if (cap - len < 4096) {
            more = realloc(text, cap *= 2);
            if (more == NULL)
                break;
            text = more;
        }
    }
    free(text);
    return NULL;
}

/* The body of the answer; NULL, and said why, unless its status is 200. */
static char *call(const struct sockaddr_in *at, const char *method, const char *path, const char *body)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const size_t n = strlen(body);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char head[512], *text = NULL, *end;

    snprintf(head, sizeof(head),
             "%s %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nIM-API-KEY: " SETUP_API_KEY
             "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             method, path, n);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 && write_all(fd, head, strlen(head)) &&
        write_all(fd, body, n))
        text = read_all(fd);
    if (fd >= 0)
        close(fd);
    end = text != NULL ? strstr(text, "\r\n\r\n") : NULL;
    if (end != NULL && strncmp(text, "HTTP/1.1 200 ", 13) == 0) {
        memmove(text, end + 4, strlen(end + 4) + 1);
        return text;
    }
    fprintf(stderr, "bench: %s %s: %.300s\n", method, path, text != NULL ? text : "no answer");
    free(text);
    return NULL;
}

/* Frees `body`. */
static json_t *post(const struct sockaddr_in *at, const char *path, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    char *answer = text != NULL ? call(at, "POST", path, text) : NULL;
    json_t *json = answer != NULL ? json_loads(answer, 0, NULL) : NULL;

    json_decref(body);
    free(text);
    free(answer);
    return json;
}

/* --- users and rooms --- */

static void name_of(size_t i, char name[static 24])
{
    snprintf(name, 24, "u%zu", i);
}

static bool make_some(struct setup_users *users, const struct sockaddr_in *at, size_t from, size_t to)
{
    json_t *list = json_array(), *answer;
    bool ok = true;
    char name[24];

    for (size_t i = from; i < to; i++) {
        name_of(i, name);
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:b}", "_id", name, "nickname", name, "issueAccessToken", 1));
    }
    answer = post(at, "/admin/clients/list", list);
    for (size_t i = from; i < to && ok; i++) {
        const json_t *client = json_array_get(json_object_get(answer, "result"), i - from);
        const char *token = json_string_value(json_object_get(client, "token"));

        users->tokens[i] = token != NULL ? strdup(token) : NULL;
        ok = users->tokens[i] != NULL;
    }
    json_decref(answer);
    if (!ok)
        fprintf(stderr, "bench: /admin/clients/list issued no token\n");
    return ok;
}

bool setup_users_make(struct setup_users *users, const struct sockaddr_in *at, size_t count)
{
    users->tokens = calloc(count, sizeof(char *));
    users->count = users->tokens != NULL ? count : 0;
    for (size_t i = 0; i < users->count; i += AT_ONCE) {
        if (!make_some(users, at, i, i + AT_ONCE < count ? i + AT_ONCE : count))
            return false;
    }
    return users->tokens != NULL;
}

void setup_users_free(struct setup_users *users)
{
    for (size_t i = 0; i < users->count; i++)
        free(users->tokens[i]);
    free(users->tokens);
    *users = (struct setup_users){NULL, 0};
}

bool setup_room(const struct sockaddr_in *at, const char *room, size_t first, size_t count)
{
    json_t *answer =
        post(at, "/rooms/", json_pack("{s:s,s:s,s:s}", "_id", room, "name", room, "roomType", "group"));
    char path[128], name[24];
    bool ok = answer != NULL;

    json_decref(answer);
    snprintf(path, sizeof(path), "/rooms/%s/members", room);
    for (size_t i = 0; i < count && ok; i += AT_ONCE) {
        json_t *invitees = json_array();

        for (size_t k = i; k < i + AT_ONCE && k < count; k++) {
            name_of(first + k, name);
            json_array_append_new(invitees, json_string(name));
        }
        answer = post(at, path, json_pack("{s:o}", "invitees", invitees));
        ok = answer != NULL;
        json_decref(answer);
    }
    return ok;
}

bool setup_messages(const struct sockaddr_in *at, const char *room, uint32_t count)
{
    bool ok = true;
    char path[128];

    snprintf(path, sizeof(path), "/rooms/%s/message", room);
    for (uint32_t i = 0; i < count && ok; i++) {
        json_t *answer = post(at, path,
                              json_pack("{s:s,s:s}", "message", "The quick brown fox jumps over the lazy dog",
                                        "messageType", "text"));

        ok = answer != NULL;
        json_decref(answer);
    }
    return ok;
}

long long setup_metric(const struct sockaddr_in *at, const char *name)
{
    char *text = call(at, "GET", "/metrics", "");
    const size_t n = strlen(name);
    long long sum = -1;

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == '{')) {
            const char *value = strchr(line, ' ');

            sum = (sum < 0 ? 0 : sum) + (value != NULL ? atoll(value) : 0);
        }
    }
    free(text);
    return sum;
}
